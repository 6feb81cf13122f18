// What a worker runs next. Pushed is what it has made ready itself, added what it was given.
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Ready from "../src/Ready.ts"

const work = (instance: number) => ({ instance, attempt: 1 })
const all = (ready: Ready.Ready) => {
  const order: Array<unknown> = []
  for (;;) {
    const peeked = ready.peek()
    const next = ready.next()
    expect(next).toBe(peeked)
    if (next === undefined) return order
    order.push(next.instance)
  }
}

const kinds = { "in turn": Ready.inTurn, "with equal priorities": () => Ready.byPriority(() => 0) }

describe.each(Object.entries(kinds))("%s", (_, make) => {
  it("runs the newest that was pushed, then what was added, in that order", () => {
    const ready = make()
    ready.add([work(1), work(2)])
    ready.push(work(3))
    ready.push(work(4))
    expect(ready.claimed()).toEqual(work(4))
    expect(ready.next()).toEqual(work(4))
    expect(ready.next()).toEqual(work(3))
    expect(ready.claimed()).toBeUndefined()
    expect(ready.next()).toEqual(work(1))
    ready.add([work(5)])
    ready.push(work(6))
    expect(all(ready)).toEqual([6, 2, 5])
    ready.add([work(7)])
    expect(all(ready)).toEqual([7])
  })
})

describe("by priority", () => {
  it("runs the lowest number, and those without one last", () => {
    const priorities = new Map([
      [1, 5],
      [2, -1],
      [4, 3]
    ])
    const ready = Ready.byPriority((instance) => priorities.get(Number(instance)) ?? Number.POSITIVE_INFINITY)
    ready.add([work(3), work(1), work(2)])
    ready.push(work(4))
    expect(all(ready)).toEqual([2, 4, 1, 3])
  })

  it("always takes the least of what is there", () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ push: fc.integer({ min: 0, max: 5 }) }),
        fc.record({ add: fc.array(fc.integer({ min: 0, max: 5 })) }),
        fc.constant({ next: true })
      )
    )
    fc.assert(
      fc.property(steps, (steps) => {
        const priorities: Array<number> = []
        const ready = Ready.byPriority((instance) => priorities[Number(instance)]!)
        const there = new Set<number>()
        const fresh = (priority: number) => {
          there.add(priorities.length)
          return work(priorities.push(priority) - 1)
        }
        for (const step of steps) {
          if ("push" in step) ready.push(fresh(step.push))
          else if ("add" in step) ready.add(step.add.map(fresh))
          else {
            const least = Math.min(...[...there].map((instance) => priorities[instance]!))
            const next = ready.next()
            if (there.size === 0) expect(next).toBeUndefined()
            else expect(priorities[Number(next!.instance)]).toBe(least)
            there.delete(Number(next?.instance))
          }
        }
        expect(new Set(all(ready))).toEqual(there)
      })
    )
  })
})
