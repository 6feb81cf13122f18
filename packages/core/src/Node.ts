/**
 * A node: one call of a task, as a lazy value.
 *
 * Calling a task with values or nodes makes a node and runs nothing. Nodes know what they depend on; a `Graph` is made
 * from the nodes one wants. This module has the node's data, the types that let a `Node<T>` stand anywhere a `T` may,
 * and the scopes that `each` opens (see `Each.ts`).
 */
import * as Data from "effect/Data"
import * as Codec from "./Codec.ts"
import * as Nesting from "./Nesting.ts"
import type { TaskOptions } from "./Options.ts"

/**
 * - `call`: a task with arguments
 * - `item`: the symbolic element of a scope; its value is one element of the list
 * - `expand`: takes a list and opens its scope once for each element; its value is the list's length
 * - `collect`: gathers one value from each run through a scope, in order
 * - `alias`: stands for a nesting of other nodes; never part of a graph
 */
export type NodeKind = "call" | "item" | "expand" | "collect" | "alias"

/** A part of the graph that is run once for each element of a list: the body of an `each`. */
export class Scope {
  readonly parent: Scope | undefined
  readonly expand: Node<number>
  readonly item: Node<never>
  constructor(parent: Scope | undefined, list: unknown) {
    this.parent = parent
    this.expand = new Node("expand", [list], { scope: parent, name: "each" })
    this.item = new Node<never>("item", [this.expand], { scope: this, name: "item" })
  }
  /** Whether nodes of `scope` may be used inside this scope. */
  sees(scope: Scope | undefined): boolean {
    if (scope === undefined) return true
    let at: Scope | undefined = this
    while (at !== undefined && at !== scope) at = at.parent
    return at === scope
  }
}

let constructed = 0

/**
 * One call of a task inside a graph, standing for the value `R` that it will have. Make nodes by calling tasks, never
 * with `new`. Pass a node wherever its value may stand, or ask for it with `run`.
 */
export class Node<out R> {
  /** @internal Only in types: what makes `Node<string>` and `Node<number>` different, and `Node` covariant. */
  declare readonly "~value": R
  /** The position in construction order, over all nodes of this process. */
  readonly sequence: number
  readonly kind: NodeKind
  /** The task's name, or what the node is. */
  readonly name: string
  /** The arguments: nestings of values and nodes. */
  readonly args: ReadonlyArray<unknown>
  /** The nodes among the arguments, each once, in order of appearance. */
  readonly dependencies: ReadonlyArray<Node<unknown>>
  readonly scope: Scope | undefined
  readonly task: TaskReference | undefined
  readonly options: TaskOptions | undefined
  /** For `collect`: the scope that it gathers from. */
  readonly over: Scope | undefined

  constructor(
    kind: NodeKind,
    args: ReadonlyArray<unknown>,
    at: {
      readonly name: string
      readonly scope: Scope | undefined
      readonly task?: TaskReference
      readonly options?: TaskOptions | undefined
      readonly over?: Scope
    }
  ) {
    this.kind = kind
    this.name = at.name
    this.scope = at.scope
    this.task = at.task
    this.options = at.options
    this.over = at.over
    this.sequence = constructed++
    const wired = wire(args, this)
    this.args = wired.args
    this.dependencies = wired.dependencies
  }

  /** Names the node in messages: `blur#17`. The number is the one that a graph gives, where there is one. */
  label(id: number = this.sequence): string {
    return `${this.name}#${id}`
  }
}

/** What a node keeps of its task: enough to find the code by name, and to run it in this process. */
export interface TaskReference {
  readonly name: string
  readonly run: (...args: Array<never>) => unknown
  readonly options: TaskOptions
}

/** A call that cannot be wired: the node, the path of the argument, and what is wrong with it. */
export class InvalidArgument extends Data.TaggedError("InvalidArgument")<{
  /** The task's name. */
  readonly task: string
  /** The argument's path, e.g. `args[0].pixels`. */
  readonly path: string
  readonly reason: string
}> {
  override get message() {
    return `${this.task}: ${this.reason}`
  }
}

const refuse = (node: Node<unknown>, path: Nesting.Path, reason: string) =>
  new InvalidArgument({ task: node.label(), path: Nesting.formatPath(path), reason })

/** Finds the nodes among the arguments, puts aliases' nestings in their place, and refuses what cannot be encoded. */
const wire = (args: ReadonlyArray<unknown>, owner: Node<unknown>) => {
  const dependencies: Array<Node<unknown>> = []
  const add = (node: Node<unknown>, path: Nesting.Path) => {
    if (!isVisible(node, owner)) {
      throw refuse(
        owner,
        path,
        `${Nesting.formatPath(path)} is ${node.label()} from the body of an each, used outside that body; ` +
          "return it from the each's callback and use what each(…) gives instead"
      )
    }
    if (!(dependencies.length < 8 ? dependencies.includes(node) : seen(node))) dependencies.push(node)
  }
  let set: Set<Node<unknown>> | undefined
  const seen = (node: Node<unknown>) => {
    set ??= new Set(dependencies)
    return set.has(node) || !set.add(node)
  }
  const leaf = (value: unknown, path: Nesting.Path): unknown => {
    if (value instanceof Node) {
      if (value.kind !== "alias") {
        add(value, path)
        return value
      }
      for (const node of value.dependencies) add(node, path)
      return value.args[0]
    }
    if (typeof value === "function" && "~task" in value) {
      throw refuse(
        owner,
        path,
        `${Nesting.formatPath(path)} is the task ${value.name} itself; call it to get a node`
      )
    }
    if (value instanceof Set && [...value].some(isNode)) {
      const where = Nesting.formatPath(path)
      throw refuse(
        owner,
        path,
        `${where} is a Set with nodes in it; pass an array, and make the Set in the task`
      )
    }
    Codec.check(value, path)
    return value
  }
  try {
    // What holds nodes is copied: the caller may go on filling the very array that it passed.
    const mapped = Nesting.map(args, { leaf, detaches: isNode }, ["args"]) as ReadonlyArray<unknown>
    return { args: mapped, dependencies }
  } catch (error) {
    throw Codec.isRefusal(error) ? refuse(owner, error.path, error.message) : error
  }
}

/** A collect looks into the scope it gathers from; everything else sees its own scope and those around it. */
const isVisible = (node: Node<unknown>, owner: Node<unknown>): boolean => {
  const from = owner.over ?? owner.scope
  return node.scope === undefined || (from?.sees(node.scope) ?? false)
}

/** Whether a value is a node. */
export const isNode = (value: unknown): value is Node<unknown> => value instanceof Node

type Scalar = string | number | boolean | bigint | null | undefined
/** What the traversal does not go into: these are accepted as whole values only. */
type Whole = Date | RegExp | Error | ArrayBuffer | SharedArrayBuffer | ArrayBufferView | ReadonlySet<unknown>

/**
 * What may be passed where a `T` is wanted: a `T`, a `Node<T>`, or a `T` with nodes at any depth of its arrays,
 * tuples, plain objects and Maps. Functions are never accepted.
 */
export type Arg<T> = Node<T> | Wired<T>

type Wired<T> = unknown extends T
  ? T
  : T extends Scalar | Whole
    ? T
    : T extends (...args: Array<never>) => unknown
      ? never
      : T extends ReadonlyMap<infer K, infer V>
        ? ReadonlyMap<Arg<K>, Arg<V>>
        : T extends ReadonlyArray<unknown>
          ? ReadonlyArray<T[number]> extends Readonly<T>
            ? readonly Arg<T[number]>[] // and not a mapped type: recursive types, like that of JSON, need it
            : { readonly [I in keyof T]: Arg<T[I]> }
          : T extends object
            ? { readonly [P in keyof T]: Arg<T[P]> }
            : T

/** The value that a nesting of nodes stands for: every `Node<T>` in it becomes `T`. */
export type Resolved<A> =
  A extends Node<infer R>
    ? R
    : A extends Scalar | Whole
      ? A
      : A extends ReadonlyMap<infer K, infer V>
        ? Map<Resolved<K>, Resolved<V>>
        : A extends ReadonlyArray<unknown>
          ? ReadonlyArray<A[number]> extends Readonly<A>
            ? Resolved<A[number]>[]
            : { -readonly [I in keyof A]: Resolved<A[I]> }
          : A extends object
            ? { [P in keyof A]: Resolved<A[P]> }
            : A
