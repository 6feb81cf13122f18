// The suite of @weft/storage for histories.
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { history } from "@weft/storage/conformance"
import * as Layer from "effect/Layer"
import { TestClock } from "effect/testing"
import { afterAll } from "vitest"
import { HistorySqlite } from "../src/index.ts"

const folder = mkdtempSync(join(tmpdir(), "weft-sqlite-"))
afterAll(() => rmSync(folder, { recursive: true }))

history(
  "HistorySqlite",
  Layer.provideMerge(HistorySqlite.layer({ file: join(folder, "history.sqlite") }), TestClock.layer()),
  { time: { batchesMs: 86_400_000, elapse: (ms) => TestClock.adjust(ms) }, pruning: true }
)
