// The examples of README.md, type-checked and run.
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, describe } from "vitest"
import { testPrograms } from "../../../test/readme.ts"

const folder = mkdtempSync(join(tmpdir(), "weft-sqlite-"))
afterAll(() => rmSync(folder, { recursive: true }))

describe("README.md", () =>
  testPrograms(dirname(import.meta.dirname), {
    env: () => ({ WEFT_HISTORY: join(folder, "history.sqlite") })
  }))
