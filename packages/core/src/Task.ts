/**
 * Tasks: named, typed functions that a workflow is made of.
 *
 * A task is defined once, at the top level of a module, and exported, because workers find its code by its name in
 * that module. Calling it makes a `Node`; it does not run anything.
 */
import { currentScope } from "./Each.ts"
import { type Arg, Node, type TaskReference } from "./Node.ts"
import { merge, problem, type TaskOptions } from "./Options.ts"

/** What a task's function gives: the awaited value, or the list of what a generator yields. */
export type ResultOf<F extends (...args: Array<never>) => unknown> =
  ReturnType<F> extends AsyncGenerator<infer Item, unknown, unknown>
    ? Array<Item>
    : ReturnType<F> extends Generator<infer Item, unknown, unknown>
      ? Array<Item>
      : Awaited<ReturnType<F>>

/** Unlike TypeScript's own `Parameters`, also of functions with a readonly rest parameter. */
type ParametersOf<F extends (...args: Array<never>) => unknown> = F extends (
  ...args: infer P extends ReadonlyArray<unknown>
) => unknown
  ? P
  : never

type ArgsOf<P extends ReadonlyArray<unknown>> = { readonly [I in keyof P]: Arg<P[I]> }

/** A task: call it with values or nodes to get a node. */
export interface Task<P extends ReadonlyArray<unknown>, R> {
  (...args: ArgsOf<P>): Node<R>
  /** The task's name, by which workers find it. */
  readonly name: string
  /** The same task with other options for the calls made through it: `blur.with({ retry: 3 })(chunk)`. */
  readonly with: (options: TaskOptions) => Task<P, R>
  /** @internal */
  readonly "~task": TaskReference
}

/** Any task, whatever its types. */
// biome-ignore lint/suspicious/noExplicitAny: parameters are contravariant, and this stands for all of them
export type AnyTask = Task<any, unknown>

const NAME = /^[\p{ID_Start}_][\p{ID_Continue}_./:-]*$/u

/**
 * Defines a task.
 *
 * The function may be synchronous, return a promise, or be a (possibly asynchronous) generator, whose result is the
 * list of what it yields. Its arguments are read-only: a worker may hand the same object to several tasks. What it
 * returns must be encodable (see `Codec`).
 *
 * ```ts
 * export const count = task("count", (chunk: string) => chunk.split(/\s+/).length)
 * export const sum = task("sum", (counts: number[]) => counts.reduce((a, b) => a + b, 0))
 * ```
 *
 * @param name letters, digits, and `_ - . / :`, beginning with a letter; unique in the workflow's module
 * @throws {TypeError} if the name or an option is not valid
 */
export const task = <F extends (...args: Array<never>) => unknown>(
  name: string,
  run: F,
  options: TaskOptions = {}
): Task<ParametersOf<F>, ResultOf<F>> => {
  if (!NAME.test(name)) {
    throw new TypeError(
      `"${name}" cannot name a task: use letters, digits and _ - . / : and begin with a letter`
    )
  }
  if (typeof run !== "function") throw new TypeError(`task "${name}": the second argument must be a function`)
  check(name, options)
  return make({ name, run, options }, undefined)
}

const check = (name: string, options: TaskOptions) => {
  const reason = problem(options)
  if (reason !== undefined) throw new TypeError(`task "${name}": ${reason}`)
}

const make = <P extends ReadonlyArray<unknown>, R>(
  reference: TaskReference,
  options: TaskOptions | undefined
): Task<P, R> => {
  const call = (...args: ReadonlyArray<unknown>): Node<R> =>
    new Node<R>("call", args, { name: reference.name, scope: currentScope(), task: reference, options })
  const withOptions = (more: TaskOptions): Task<P, R> => {
    check(reference.name, more)
    return make(reference, merge(options ?? {}, more))
  }
  Object.defineProperty(call, "name", { value: reference.name })
  return Object.assign(call, { with: withOptions, "~task": reference }) as unknown as Task<P, R>
}

/** Whether a value is a task. */
export const isTask = (value: unknown): value is AnyTask => typeof value === "function" && "~task" in value
