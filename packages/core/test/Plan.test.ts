import * as Schema from "effect/Schema"
import { describe, expect, it } from "vitest"
import { annotation, Codec, each, GraphBuilder, Plan, task } from "../src/index.ts"

const Priority = annotation("priority", Schema.Finite)
const Budget = annotation("budget", Schema.Finite, "plan")
const known = [Priority, Budget]

const blur = task("blur", (n: number) => n)
const hungry = task("hungry", (n: number) => n, { memory: 2048, annotations: [Priority(1)] })
const { graph } = GraphBuilder.make(
  {
    plain: blur(hungry(1)),
    tuned: hungry.with({ memory: 512, annotations: [Priority(2)] })(1),
    list: each([1], (n) => blur(n))
  },
  "planned"
)
const [HUNGRY, BLUR, TUNED, , , INNER] = [0, 1, 2, 3, 4, 5]

const empty = Plan.make("test", { memory: 2048 })
const planOf = (nodes: Record<number, Plan.NodePlan>, more: Partial<Plan.Plan> = {}): Plan.Plan => ({
  ...empty,
  ...more,
  nodes: new Map(Object.entries(nodes).map(([id, node]) => [Number(id), node]))
})
const problems = (plan: Plan.Plan): ReadonlyArray<string> => {
  try {
    Plan.check(plan, graph, known)
    return []
  } catch (error) {
    if (error instanceof Plan.InvalidPlan) return error.problems
    throw error
  }
}

describe("a valid plan", () => {
  it.each<[string, Plan.Plan]>([
    ["that leaves all open", empty],
    [
      "with workers of one size each",
      planOf({ 0: { worker: "a" }, 1: { worker: "a" }, 2: { worker: "b", memory: 512 } })
    ],
    [
      "with annotations where they belong",
      planOf({ 1: { annotations: { priority: 5 } } }, { annotations: { budget: 3 } })
    ],
    ["with annotations that are not known here", planOf({ 1: { annotations: { other: "x" } } })],
    ["for nodes of an each", planOf({ 5: { worker: "a" } })]
  ])("has no problems: one %s", (_, plan) => {
    expect(problems(plan)).toEqual([])
  })
})

describe("check", () => {
  it.each<[string, Plan.Plan, string]>([
    [
      "an unknown node",
      planOf({ 99: {} }),
      `node 99 is not in the graph, which has nodes 0 to ${graph.size - 1}`
    ],
    [
      "a node that is no number of one",
      planOf({ [-1]: {}, 0.5: {} } as never),
      "node -1 is not in the graph"
    ],
    [
      "a worker with two memory sizes",
      planOf({ 0: { worker: "a", memory: 4096 }, 1: { worker: "a" } }),
      'worker "a" has two memory sizes: 4096 MiB for hungry#0 and 2048 MiB for blur#1'
    ],
    [
      "the empty worker",
      planOf({ 1: { worker: "" } }),
      "blur#1 has the empty string as its worker; leave it out for a flexible worker"
    ],
    [
      "memory that is none",
      planOf({ 1: { memory: 0 } }),
      "blur#1 has 0 MiB of memory; it must be a whole number above 0"
    ],
    ["half a MiB", planOf({ 1: { memory: 0.5 } }), "blur#1 has 0.5 MiB of memory"],
    ["a plan's memory that is none", { ...empty, memory: Number.NaN }, "the plan has NaN MiB of memory"],
    [
      "less memory than a task asks for",
      planOf({ 0: { memory: 1024 } }),
      "hungry#0 gets 1024 MiB of memory, and its options ask for 2048"
    ],
    [
      "less memory than a call asks for",
      planOf({ 2: { memory: 256 } }),
      "hungry#2 gets 256 MiB of memory, and its options ask for 512"
    ],
    [
      "an annotation that its schema refuses",
      planOf({ 1: { annotations: { priority: "high" } } }),
      'the annotation "priority" on blur#1 is not valid: '
    ],
    [
      "a plan's annotation that its schema refuses",
      { ...empty, annotations: { budget: "high" } },
      'the annotation "budget" on the plan is not valid: '
    ],
    [
      "a plan's annotation on a node",
      planOf({ 1: { annotations: { budget: 5 } } }),
      'the annotation "budget" stands on blur#1, but belongs on the plan'
    ],
    [
      "a node's annotation on the plan",
      { ...empty, annotations: { priority: 5 } },
      'the annotation "priority" stands on the plan, but belongs on nodes'
    ]
  ])("finds %s", (_, plan, problem) => {
    expect(problems(plan)[0]).toContain(problem)
  })

  it("names the planner and all problems at once", () => {
    const plan = planOf({ 99: {}, 1: { memory: -1, worker: "" } }, { annotations: { priority: 1 } })
    expect(problems(plan)).toHaveLength(4)
    expect(() => Plan.check(plan, graph, known)).toThrow(
      /^the plan of planner "test" is not valid: .*; .*; .*; /
    )
  })
})

describe("what is planned for a node", () => {
  const plan = planOf({
    [TUNED!]: { memory: 1024, annotations: { priority: 3 } },
    [BLUR!]: { worker: "w1", annotations: { priority: 4 } }
  })

  it("is its own memory, or the plan's", () => {
    expect(Plan.memoryOf(plan, graph, TUNED!)).toBe(1024)
    expect(Plan.memoryOf(plan, graph, BLUR!)).toBe(2048)
    expect(Plan.memoryOf(plan, graph, INNER!)).toBe(2048)
  })

  it("is what its options ask for, where the plan does not say and has less", () => {
    const small = { ...planOf({}), memory: 256 }
    expect(Array.from({ length: graph.size }, (_, node) => Plan.memoryOf(small, graph, node))).toContain(512)
    expect(Plan.memoryOf(small, graph, TUNED!)).toBe(512)
    expect(Plan.memoryOf(small, graph, BLUR!)).toBe(256)
  })

  it("is for a named worker that of the node that needs most", () => {
    const named = {
      ...planOf({ [TUNED!]: { worker: "w" }, [BLUR!]: { worker: "w" }, [INNER!]: { worker: "v" } }),
      memory: 256
    }
    expect(problems(named)).toEqual([])
    expect([...Plan.workerMemory(named, graph)].toSorted()).toEqual([
      ["v", 256],
      ["w", 512]
    ])
  })

  it("is a worker, or nobody in particular", () => {
    expect(Plan.workerOf(plan, BLUR!)).toBe("w1")
    expect(Plan.workerOf(plan, TUNED!)).toBeUndefined()
    expect(Plan.workerOf(plan, INNER!)).toBeUndefined()
  })

  it("are annotations: the plan's over the call's over the task's", () => {
    expect(Plan.annotationsOf(plan, graph, TUNED!)).toEqual({ priority: 3 })
    expect(Plan.annotationsOf(empty, graph, TUNED!)).toEqual({ priority: 2 })
    expect(Plan.annotationsOf(empty, graph, HUNGRY!)).toEqual({ priority: 1 })
    expect(Plan.annotationsOf(plan, graph, BLUR!)).toEqual({ priority: 4 })
    expect(Plan.annotationsOf(empty, graph, BLUR!)).toEqual({})
  })
})

describe("a plan's bytes", () => {
  const full: Plan.Plan = {
    planner: "full",
    memory: 1769,
    nodes: new Map<number, Plan.NodePlan>([
      [0, { memory: 512, worker: "w1", annotations: { priority: 5, set: new Set([1n]), when: new Date(5) } }],
      [3, {}]
    ]),
    annotations: { budget: 3, nothing: undefined },
    notes: ["no history"],
    timeline: [
      { node: 0, worker: "w1", startMs: 0, endMs: 12.5 },
      { node: 3, startMs: 12.5, endMs: 20 }
    ]
  }

  it("give the plan again", () => {
    expect(Plan.decode(Plan.encode(full))).toStrictEqual(full)
    expect(Plan.decode(Plan.encode(empty))).toStrictEqual(empty)
  })

  it.each<[string, Uint8Array]>([
    ["no CBOR", Uint8Array.of(0xff, 1, 2)],
    ["no bytes at all", new Uint8Array(0)],
    ["another value", Codec.encode({ planner: "x" })],
    ["a list", Codec.encode([])],
    ["another version", Codec.encode({ version: 2, ...full, nodes: [...full.nodes] })],
    ["nodes without numbers", Codec.encode({ version: 1, ...full, nodes: [["0", {}]] })],
    ["a worker that is no text", Codec.encode({ version: 1, ...full, nodes: [[0, { worker: 5 }]] })],
    ["a part", Plan.encode(full).subarray(0, 60)]
  ])("are undecodable if they are not a plan's: %s", (_, bytes) => {
    expect(() => Plan.decode(bytes)).toThrow(Codec.Undecodable)
  })

  it("are refused in a newer format, with what to do", () => {
    const newer = { ...(Codec.decode(Plan.encode(empty)) as object), version: 2 }
    expect(() => Plan.decode(Codec.encode(newer))).toThrow(
      "format 2, and this version reads up to 1; update weft"
    )
  })

  it("cannot be made of a plan that holds what cannot be sent, and the path is told", () => {
    const plan = planOf({ 0: { annotations: { later: () => 1 } } })
    expect(() => Plan.encode(plan)).toThrow("nodes[0][1].annotations.later is a function (later)")
  })
})
