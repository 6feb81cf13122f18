// The program of README.md, type-checked and run; its table of options has all there are.
import { dirname } from "node:path"
import { describe, expect, it } from "vitest"
import { readmeOf, testPrograms } from "../../../test/readme.ts"
import { flags } from "../src/cli/Flags.ts"
import { resolve } from "../src/Options.ts"

const home = dirname(import.meta.dirname)

describe("README.md", () => {
  testPrograms(home)

  it("has all options", () => {
    const readme = readmeOf(home)
    const settings = resolve({})
    const missing = [...Object.keys(settings), ...Object.keys(settings.faults)].filter(
      (name) => !readme.includes(`\`${name}\``)
    )
    expect(missing).toEqual([])
  })

  it("has the flags that are options", () => {
    const readme = readmeOf(home)
    const names = Object.keys(flags).map((name) =>
      name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    )
    const inHelpOnly = new Set(["command", "quiet", "late-by", "kill-within"])
    expect(names.filter((name) => !inHelpOnly.has(name) && !readme.includes(`--${name}`))).toEqual([])
  })
})
