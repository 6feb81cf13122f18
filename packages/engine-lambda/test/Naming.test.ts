import { describe, expect, it } from "vitest"
import { baseName, functionName, isBaseName, memoryOfFunction } from "../src/Naming.ts"

describe("the base name of a deployment", () => {
  it.each([
    ["report", "weft-report"],
    ["word count", "weft-word-count"],
    ["flows/report.v2", "weft-flows-report-v2"]
  ])("of %s is %s", (workflow, name) => {
    expect(baseName(workflow)).toBe(name)
  })

  it.each(["x".repeat(200), "データ", "größe", "", "a*b", "--"])(
    "is one that Lambda takes: %s",
    (workflow) => {
      const name = baseName(workflow)
      expect(isBaseName(name)).toBe(true)
      expect(functionName(name, 10_240).length).toBeLessThanOrEqual(64)
    }
  )

  it("keeps workflows apart whose names are too long, or have letters that Lambda refuses", () => {
    const names = ["データ", "処理", `${"x".repeat(100)}1`, `${"x".repeat(100)}2`, "größe", "grosse"].map(
      baseName
    )
    expect(new Set(names).size).toBe(6)
  })
})

describe("the size of a function", () => {
  it("is in its name", () => {
    expect(memoryOfFunction("weft-report", functionName("weft-report", 1769))).toBe(1769)
  })

  it.each([
    "weft-report",
    "weft-report-",
    "weft-report-x-128",
    "weft-report-64",
    "weft-report-0128",
    "weft-reports-128"
  ])("is not in %s", (name) => {
    expect(memoryOfFunction("weft-report", name)).toBeUndefined()
  })
})
