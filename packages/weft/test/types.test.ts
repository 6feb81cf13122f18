// What the compiler must refuse. `tsc` checks this file; here it only has to be there.

import * as Schema from "effect/Schema"
import { expect, it } from "vitest"
import { annotation, behaviour, planner, run, task, workflow } from "../src/index.ts"

const One = annotation("one", Schema.Finite)
const Two = annotation("two", Schema.String)
const one = behaviour(import.meta, One, {})
const two = behaviour(import.meta, Two, {})
const emitsBoth = planner({ name: "both", annotations: [One, Two], plan: () => {} })
const emitsNone = planner({ name: "none", annotations: [], plan: () => {} })
const node = () => task("node", () => 1)()
const needsInput = workflow(import.meta, (input: { readonly n: number }) => [input.n])
const needsNone = workflow(import.meta, () => node())

/** Never called. */
export const compiled = async () => {
  await run(node(), { planner: emitsBoth, behaviours: [one, two] })
  await run(node(), { planner: emitsNone })
  await run(node(), { planner: emitsNone, behaviours: [one] })
  // @ts-expect-error there are no behaviours for its annotations
  await run(node(), { planner: emitsBoth })
  // @ts-expect-error there is no behaviour for "two"
  await run(node(), { planner: emitsBoth, behaviours: [one] })
  // @ts-expect-error a planner may only emit what it declares
  planner({ name: "more", annotations: [One], plan: ({ draft }) => draft.annotate(0, Two("text")) })

  await run(needsInput, { input: { n: 1 } })
  await run(needsNone)
  // @ts-expect-error the input is missing
  await run(needsInput)
  // @ts-expect-error the input has the wrong type
  await run(needsInput, { input: { n: "one" } })
  const [first]: readonly [number, string] = await run([node(), "text"])
  const total: number = await run(needsNone)
  return first + total
}

it("compiles", () => {
  expect(compiled).toBeTypeOf("function")
})
