import { describe, expect, it } from "vitest"
import { Progress } from "../../src/cli/Progress.ts"
import { liveLines, outputLines, plainLine } from "../../src/cli/ProgressText.ts"
import { plain, type Style } from "../../src/cli/Style.ts"
import type { RunEvent } from "../../src/Events.ts"

const measure = { startedAt: 0, inputsMs: 0, executionMs: 1, inputBytes: 0, outputBytes: 0, tries: 1 }

const started = (node: string, worker = "w"): RunEvent => ({ type: "started", worker, node, task: "blur" })

const completed = (total: number, ...nodes: ReadonlyArray<string>): RunEvent => ({
  type: "completed",
  worker: "w",
  total,
  nodes: nodes.map((node) => ({ node, task: "blur", measure }))
})

const many = (count: number) => Array.from({ length: count }, (_, i) => `blur#${i}`)

describe("progress", () => {
  it("counts what is done, what is to do, retries and losses", () => {
    const progress = new Progress("pictures", 2, 0)
    progress.add(started("blur#0"), 10)
    progress.add({ type: "retry", worker: "w", node: "blur#0", tries: 1, error: "no" }, 20)
    progress.add(completed(10, "blur#0", "blur#1"), 30)
    progress.add(started("blur#2", "v"), 40)
    expect(progress).toMatchObject({ done: 2, total: 10, retries: 1, lost: 0 })
    expect([...progress.running.keys()]).toEqual(["blur#2"])
    progress.add({ type: "lost", worker: "v", nodes: 1, reason: "gone" }, 50)
    expect(progress.lost).toBe(1)
    expect(progress.running.size).toBe(0)
  })

  it("takes over what the store says, which is no sign of how fast it goes", () => {
    const progress = new Progress("pictures", 1000, 0)
    progress.add({ type: "progress", completed: 500, total: 2000 }, 1000)
    expect(progress).toMatchObject({ done: 500, total: 2000 })
    expect(progress.rate(2000)).toBe(0)
    progress.add(completed(2000, ...many(10)), 2000)
    expect(progress.rate(2000)).toBe(10)
  })

  it("takes the rate of the last seconds", () => {
    const progress = new Progress("pictures", 1000, 0)
    expect(progress.rate(1000)).toBeUndefined()
    for (let second = 1; second <= 60; second++) progress.add(completed(1000, ...many(10)), second * 1000)
    expect(progress.rate(60_000)).toBe(10)
    // Nothing for so long that only what came before is known.
    expect(progress.rate(65_000)).toBe(0)
  })
})

describe("the live lines", () => {
  const progress = () => {
    const progress = new Progress("pictures", 0, 0)
    progress.add(completed(1024, ...many(512)), 4000)
    return progress
  }

  it("say how far the run is", () => {
    expect(liveLines(progress(), 4000, 80, plain)).toEqual([
      "⠋ pictures  ━━━━━━━━━━━━━━━━────────────────  512/1,024  128/s  4 s"
    ])
  })

  it("name the calls that have been running for long, the oldest first, as many as fit", () => {
    const state = progress()
    for (const [i, node] of ["blur#600", "blur#601", "blur#602"].entries())
      state.add(started(node), 4000 + i * 1000)
    expect(liveLines(state, 65_000, 80, plain)[1]).toBe(
      "  running  blur#600 1 min 1 s  blur#601 1 min 0 s  blur#602 59 s"
    )
    expect(liveLines(state, 65_000, 40, plain)[1]).toBe("  running  blur#600 1 min 1 s  +2")
    expect(liveLines(state, 65_000, 20, plain)[1]).toBe("  running  blur#600…")
    expect(liveLines(state, 4500, 80, plain)).toHaveLength(1)
  })

  it("say that the store does not answer, until it does", () => {
    const state = progress()
    state.add({ type: "unreachable", detail: "nobody is there" }, 4000)
    expect(liveLines(state, 9000, 80, plain)[1]).toBe("  the store does not answer; trying again for 5 s")
    expect(plainLine(state, 9000)).toContain(", the store does not answer; trying again for 5 s, ")
    state.add({ type: "reachable" }, 9000)
    expect(liveLines(state, 9000, 80, plain)).toHaveLength(1)
    expect(plainLine(state, 9000)).not.toContain("store")
  })

  it("fit the terminal", () => {
    const state = progress()
    state.add({ type: "retry", worker: "w", node: "blur#1", tries: 1, error: "no" }, 4000)
    for (const width of [120, 80, 60, 50, 45]) {
      expect(liveLines(state, 4000, width, plain)[0]!.length).toBeLessThanOrEqual(width)
    }
  })

  it("have colours only in their style", () => {
    const tagged: Style = (format, text) => `<${String(format)}>${text}</>`
    expect(liveLines(progress(), 4000, 36, tagged)).toEqual([
      "<cyan>⠋</> <bold>pictures</>  512/1,024  128/s  4 s"
    ])
  })
})

describe("the line for logs", () => {
  it("says the same in words", () => {
    const progress = new Progress("pictures", 4, 0)
    expect(plainLine(progress, 100)).toBe("pictures: 0 of 4 done, 0 s")
    progress.add(completed(4, "blur#0"), 5000)
    progress.add(started("blur#1"), 6000)
    progress.add({ type: "retry", worker: "w", node: "blur#1", tries: 1, error: "no" }, 7000)
    expect(plainLine(progress, 9000)).toBe(
      "pictures: 1 of 4 done, 0.1/s, 1 retry, running blur#1 for 3 s, 9 s"
    )
  })
})

it("puts the task in front of each line that it wrote", () => {
  expect(outputLines("blur#17", "one\n\ntwo\n", plain)).toEqual([
    "blur#17 │ one",
    "blur#17 │ ",
    "blur#17 │ two"
  ])
})
