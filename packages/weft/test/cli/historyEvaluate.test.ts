import type { Evaluate } from "@weft/metrics"
import { describe, expect, it } from "vitest"
import { evaluationLines } from "../../src/cli/HistoryEvaluate.ts"
import { plain } from "../../src/cli/Style.ts"

const accuracy = {
  compared: 1200,
  unpredicted: 3,
  medianError: 0.043,
  p90Error: 0.2,
  below50: 0.51,
  below90: 0.88
}

describe("an evaluation", () => {
  it("is a table of quantities and one of makespans", () => {
    const found: Evaluate.Evaluation = {
      runs: 19,
      quantities: [
        { quantity: "execution", accuracy },
        { quantity: "output", accuracy: { ...accuracy, compared: 0 } }
      ],
      makespans: [{ workflow: "mandelbrot", planner: "uniform", accuracy: { ...accuracy, compared: 15 } }]
    }
    expect(evaluationLines(found, 20, plain).join("\n")).toBe(`\
20 runs, 19 with details

each predicted from other runs  compared  median error  P90 error  below P50  below P90  unpredicted
execution                          1,200           4 %       20 %       51 %       88 %            3
output size                            0                                                           3

makespan    planner  compared  median error  P90 error  below P50  below P90
mandelbrot  uniform        15           4 %       20 %       51 %       88 %`)
  })

  it("says what there is nothing of", () => {
    const nothing: Evaluate.Evaluation = { runs: 0, quantities: [], makespans: [] }
    expect(evaluationLines(nothing, 0, plain)).toEqual([
      "The history has no runs: there is nothing to evaluate"
    ])
    expect(evaluationLines(nothing, 2, plain)).toEqual([
      "2 runs, 0 with details",
      "",
      "No makespan was predicted: that takes runs after the first"
    ])
  })
})
