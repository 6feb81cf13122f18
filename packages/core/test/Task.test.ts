import * as Schema from "effect/Schema"
import { describe, expect, it } from "vitest"
import { annotation, Codec, each, InvalidArgument, isNode, isTask, type Node, task } from "../src/index.ts"

const inc = task("inc", (n: number) => n + 1, { timeout: 100 })
const any = task("any", (...values: ReadonlyArray<unknown>) => values.length)

const caught = (run: () => unknown): InvalidArgument => {
  try {
    run()
  } catch (error) {
    if (error instanceof InvalidArgument) return error
    throw error
  }
  throw new Error("nothing was thrown")
}

describe("task", () => {
  it.each(["a", "blur", "größe", "_private", "a-b", "a.b/c:d", "v2", "名"])("may be named %s", (name) => {
    expect(task(name, () => 1).name).toBe(name)
  })

  it.each(["", "2nd", "-a", "a b", ".a", "a\n", "a#1", "a[0]", "$a"])("may not be named %j", (name) => {
    expect(() => task(name, () => 1)).toThrow(TypeError)
    expect(() => task(name, () => 1)).toThrow("cannot name a task")
  })

  it("must have a function", () => {
    expect(() => task("a", "code" as never)).toThrow('task "a": the second argument must be a function')
  })

  it("refuses options that are not valid, naming task and field", () => {
    expect(() => task("a", () => 1, { memory: -1 })).toThrow(
      'task "a": the option memory is -1; it must be a whole number of MiB above 0'
    )
    expect(() => inc.with({ retry: 0 })).toThrow('task "inc": the option retry.attempts is 0')
  })

  it("runs nothing when it is called", () => {
    let ran = false
    const node = task("lazy", () => {
      ran = true
    })()
    expect(isNode(node)).toBe(true)
    expect(ran).toBe(false)
  })

  it("is told apart from other functions", () => {
    expect(isTask(inc)).toBe(true)
    expect(isTask(inc.with({}))).toBe(true)
    expect(isTask(() => 1)).toBe(false)
    expect(isTask(inc(1))).toBe(false)
    expect(isTask(undefined)).toBe(false)
    expect(isNode(inc)).toBe(false)
  })
})

describe("with", () => {
  const Priority = annotation("priority", Schema.Finite)

  it("puts options on the calls made through it, and on no others", () => {
    const patient = inc.with({ timeout: 5000 })
    expect(patient(1).options).toEqual({ timeout: 5000 })
    expect(inc(1).options).toBeUndefined()
    expect(patient.name).toBe("inc")
  })

  it("may be repeated: later options win, annotations add up", () => {
    const tuned = inc
      .with({ retry: 2, memory: 256, annotations: [Priority(1)] })
      .with({ retry: 5, annotations: [Priority(2)] })
    expect(tuned(1).options).toEqual({ retry: 5, memory: 256, annotations: [Priority(1), Priority(2)] })
  })
})

describe("a node", () => {
  it("knows its task, its arguments, and each node among them once", () => {
    const one = inc(1)
    const two = inc(one)
    const node = any(one, { a: [two, one] }, new Map([[two, one]]), "x")
    expect(node.name).toBe("any")
    expect(node.dependencies).toEqual([one, two])
    expect(node.args).toEqual([one, { a: [two, one] }, new Map([[two, one]]), "x"])
  })

  it("knows each of many dependencies once", () => {
    const nodes = Array.from({ length: 50 }, (_, i) => inc(i))
    expect(any(nodes, nodes, [...nodes].reverse()).dependencies).toEqual(nodes)
  })

  it("is labelled by its task and number", () => {
    const node = inc(1)
    expect(node.label(17)).toBe("inc#17")
    expect(node.label()).toBe(`inc#${node.sequence}`)
  })

  it("does not change when what it was made from is changed later", () => {
    const list: Array<Node<number>> = [inc(1)]
    const options = { nodes: list, by: new Map([["a", list[0]!]]) }
    const node = any(list, options)
    const later = inc(2)
    list.push(later)
    options.by.set("b", later)
    expect(node.args).toEqual([[list[0]], { nodes: [list[0]], by: new Map([["a", list[0]]]) }])
  })

  it("shares constants with its caller", () => {
    const large = { pixels: new Uint8Array(10), sizes: [1, 2, 3] }
    const node = any(large, { large, one: inc(1) })
    expect(node.args[0]).toBe(large)
    expect((node.args[1] as { large: unknown }).large).toBe(large)
  })
})

describe("an argument that cannot be", () => {
  class Plain {}
  const cyclic: Array<unknown> = []
  cyclic.push({ cyclic })

  it.each<[string, unknown, string, string]>([
    [
      "a function",
      { pixels: () => 1 },
      "args[1].pixels",
      "is a function (pixels), which cannot be stored or sent"
    ],
    ["a symbol", [Symbol("s")], "args[1][0]", "is a symbol (Symbol(s)), which cannot be stored or sent"],
    ["a promise", Promise.resolve(1), "args[1]", "is a promise, which cannot be stored or sent"],
    [
      "an instance",
      new Map([["k", new Plain()]]),
      "args[1].k",
      "is an instance of Plain, which cannot be stored"
    ],
    ["a node in a Set", { s: new Set([inc(1)]) }, "args[1].s", "is a Set with nodes in it; pass an array"],
    ["a task", [inc], "args[1][0]", "is the task inc itself; call it to get a node"],
    ["a cycle", cyclic, "args[1]", "contains itself; cyclic values are not supported"],
    ["__proto__", JSON.parse('{ "__proto__": 1 }'), "args[1].__proto__", "is a property named __proto__"]
  ])("is refused with the node and its path: %s", (_, argument, path, reason) => {
    const error = caught(() => any(0, argument))
    expect(error.path).toBe(path)
    expect(error.task).toMatch(/^any#\d+$/)
    expect(error.message).toContain(`${error.task}: ${path} ${reason}`)
  })

  it("is a node from inside an each, used outside of it", () => {
    let leaked!: Node<number>
    each([1, 2], (n) => {
      leaked = inc(n)
      return leaked
    })
    const error = caught(() => any({ a: [leaked] }))
    expect(error.path).toBe("args[0].a[0]")
    expect(error.message).toContain(
      `args[0].a[0] is ${leaked.label()} from the body of an each, used outside that body; ` +
        "return it from the each's callback and use what each(…) gives instead"
    )
  })

  it("may be an instance of a class once its codec is known", () => {
    class Point {
      readonly x: number
      constructor(x: number) {
        this.x = x
      }
    }
    expect(() => any(new Point(1))).toThrow("args[0] is an instance of Point")
    Codec.register(Point, { name: "Point", encode: ({ x }) => x, decode: (x) => new Point(x) })
    expect(() => any(new Point(1))).not.toThrow()
  })
})
