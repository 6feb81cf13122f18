// Which nodes a worker takes on without asking. In the drawings, time goes to the right; (a) is a planned worker.
import { each } from "@weft/core"
import { describe, expect, it } from "vitest"
import { Claims } from "../src/Claims.ts"
import type { RunContext } from "../src/index.ts"
import { contextOf } from "./context.ts"
import { add, double, identity, list } from "./fixtures/tasks.ts"

const claimed = (context: RunContext, claims: Claims) =>
  Array.from({ length: context.graph.size }, (_, id) => id).filter((id) => claims.has(id))

const flexible = (context: RunContext) => new Claims(context, "w", false)
const named = (context: RunContext, name = "a") => new Claims(context, name, true)

describe("a flexible worker", () => {
  //  0 ── 1 ── 2 ── 3
  it("claims a chain to its end", () => {
    const context = contextOf(double(double(double(identity(1)))))
    const claims = flexible(context)
    claims.adopt([0])
    expect(claimed(context, claims)).toEqual([1, 2, 3])
  })

  //       ┌─ 1
  //    0 ─┼─ 2
  //       └─ 3
  it("claims one child of a fan-out and leaves the others to be shared", () => {
    const root = identity(1)
    const context = contextOf([double(root), double(root), double(root)])
    const claims = flexible(context)
    claims.adopt([0])
    expect(claimed(context, claims)).toEqual([1])
  })

  //  0 ── 1 ── 2, which needs more memory than there is
  it("claims nothing that needs more memory than it has", () => {
    const context = contextOf(double(double(identity(1))))
    const claims = new Claims(context, "w", false, (node) => node !== 2)
    claims.adopt([0])
    expect(claimed(context, claims)).toEqual([1])
  })

  //    0 ─┐
  //       ├─ 4 ─┐
  //    1 ─┘     │
  //             ├─ 6
  //    2 ─┐     │
  //       ├─ 5 ─┘
  //    3 ─┘
  it("claims the levels of a reduction whose leaves it has", () => {
    const leaves = [1, 2, 3, 4].map((n) => identity(n))
    const context = contextOf(add(add(...leaves.slice(0, 2)), add(...leaves.slice(2))))
    const all = flexible(context)
    all.adopt([0, 1, 2, 3])
    expect(claimed(context, all)).toEqual([4, 5, 6])
    const half = flexible(context)
    half.adopt([0, 1, 2])
    expect(claimed(context, half)).toEqual([4])
  })

  //  0 ─┬─ 1 ─┬─ 3     2 is another's, perhaps, so that 3 is nobody's yet
  //     └─ 2 ─┘
  it("does not claim what also follows from a node that others may run", () => {
    const root = identity(1)
    const context = contextOf(add(double(root), double(root)))
    const claims = flexible(context)
    claims.adopt([0])
    expect(claimed(context, claims)).toEqual([1])
  })

  //  0 ── 1(a) ── 2
  it("does not claim what is planned for another worker, nor what follows from that", () => {
    const context = contextOf(double(double(identity(1))), [[1, "a"]])
    const claims = flexible(context)
    claims.adopt([0])
    expect(claimed(context, claims)).toEqual([])
  })

  //  0 ─┬─ 1(a)     the child of another worker does not count as the one that is kept
  //     └─ 2
  it("claims another child where the first is planned for somebody", () => {
    const root = identity(1)
    const context = contextOf([double(root), double(root)], [[1, "a"]])
    const claims = flexible(context)
    claims.adopt([0])
    expect(claimed(context, claims)).toEqual([2])
  })
})

//    0 ─┐
//       ├─ 2 ── 3
//    1 ─┘
describe("what follows from a node that others run", () => {
  it("is not claimed any more", () => {
    const context = contextOf([double(add(identity(1), identity(2))), double(identity(3))])
    const claims = flexible(context)
    const [one, , sum, doubled, other, last] = [0, 1, 2, 3, 4, 5]
    claims.adopt([0, 1, 4])
    expect(claimed(context, claims)).toEqual([sum, doubled, last])
    expect(claims.forget(one!)).toEqual([sum, doubled])
    expect(claimed(context, claims)).toEqual([last])
    expect(claims.forget(other!)).toEqual([last])
  })
})

describe("a named worker", () => {
  //     ┌─ 1(a) ─┐
  //  0 ─┼─ 2(a) ─┼─ 4(a)
  //     └─ 3(a) ─┘
  it("claims all that is planned for it", () => {
    const root = identity(1)
    const three = [1, 2, 3].map(() => double(root))
    const context = contextOf(
      add(...three),
      [0, 1, 2, 3, 4].map((id) => [id, "a"] as const)
    )
    const claims = named(context)
    claims.adopt([0])
    expect(claimed(context, claims)).toEqual([1, 2, 3, 4])
  })

  //  0(a) ── 1 ── 2(a)
  it("leaves to others what is not planned for it", () => {
    const context = contextOf(double(double(identity(1))), [
      [0, "a"],
      [2, "a"]
    ])
    const claims = named(context)
    claims.adopt([0])
    expect(claimed(context, claims)).toEqual([])
  })
})

describe("inside an each", () => {
  it("claims instances of the elements that it has, and not what gathers them", () => {
    const context = contextOf(each(list(3), (n) => double(double(n))))
    const { graph } = context
    const [first, second] = Array.from({ length: graph.size }, (_, id) => id).filter(
      (id) => graph.name(id) === "double"
    )
    const claims = flexible(context)
    claims.adopt([`${first}[0]`, `${first}[2]`])
    expect(claims.has(`${second}[0]`)).toBe(true)
    expect(claims.has(`${second}[1]`)).toBe(false)
    expect(claims.has(`${second}[2]`)).toBe(true)
    expect(claimed(context, claims)).toEqual([])
  })
})

describe("a claimed node", () => {
  it("is ready when all of its parents are complete, and forgotten when it is itself", () => {
    const context = contextOf(add(identity(1), identity(2)))
    const claims = flexible(context)
    claims.adopt([0, 1])
    expect(claims.advance(2)).toBe(false)
    expect(claims.advance(2)).toBe(true)
    claims.done(2)
    expect(claims.has(2)).toBe(false)
  })
})
