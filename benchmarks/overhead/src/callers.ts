/**
 * Who makes the calls: weft's tasks, plain functions, or a bare pool of threads.
 */
import type { Node } from "weft"
import type { Call } from "./pool.ts"
import type { Caller } from "./shapes.ts"
import * as tasks from "./tasks.ts"
import { functions } from "./work.ts"

/** Calls are nodes. */
export const weft = tasks as unknown as Caller<Node<number>>

type Plain = Promise<unknown>
type Name = Call["name"]

const waiting = (call: (name: Name, args: ReadonlyArray<unknown>) => unknown): Caller<Plain> => {
  const one = (name: Name) => async (value: unknown) => call(name, [await value])
  return {
    pass: one("pass"),
    make: one("make"),
    length: one("length"),
    burn: one("burn"),
    add: async (a, b) => call("add", [await a, await b]),
    gather: async (values) => call("gather", [await Promise.all(values)])
  }
}

/** Calls are promises of plain calls in this thread. */
export const plain = waiting((name, args) => Reflect.apply(functions[name], undefined, args))

/** Calls are promises of calls in the pool's threads; dependencies are waited for in this thread. */
export const pooled = (pool: { readonly run: (call: Call) => Promise<unknown> }): Caller<Plain> =>
  waiting((name, args) => pool.run({ name, args }))
