// The examples of README.md, type-checked and run.
import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { describe, expect, it } from "vitest"
import { readmeOf, testPrograms } from "../../../test/readme.ts"

const home = dirname(import.meta.dirname)

describe("README.md", () => {
  testPrograms(home)

  it("shows how the adapters in memory are tested", () => {
    const shown = /^```typescript\n(?<code>.*?)^```$/ms.exec(readmeOf(home))
    expect(shown?.groups?.code).toBe(readFileSync(join(import.meta.dirname, "conformance.test.ts"), "utf8"))
  })
})
