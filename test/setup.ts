// A test that writes to the console fails. One that means to replaces the method: vi.spyOn(console, "log").
import { tmpdir } from "node:os"
import { join } from "node:path"
import { format } from "node:util"
import { afterEach } from "vitest"

// Tests, and the processes that they start, leave nothing behind in the project's history.
process.env.WEFT_HISTORY = "none"

// Many of them load all of weft's source, from TypeScript: what one has compiled, the others need not.
process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), "node-compile-cache")

const written: Array<string> = []

for (const method of ["debug", "info", "log", "warn", "error"] as const) {
  const original = console[method].bind(console)
  console[method] = (...args: Array<unknown>) => {
    written.push(`console.${method}: ${format(...args)}`)
    original(...args)
  }
}

afterEach(() => {
  const lines = written.splice(0)
  if (lines.length > 0) throw new Error(`Unexpected output:\n${lines.join("\n")}`)
})
