/** What a thread of the bare pool runs: the function named, on the arguments given. */
import { functions } from "./work.ts"

/** A call of one of the functions. */
export interface Call {
  readonly name: keyof typeof functions
  readonly args: ReadonlyArray<unknown>
}

export default ({ args, name }: Call): unknown => Reflect.apply(functions[name], undefined, args)
