/**
 * Whether columns are those of a graph, as `GraphBuilder` makes it. Everything that goes through a graph relies on it:
 * that ids are topological, references visible, and that there is a gate wherever a value comes from outside a scope.
 */
import * as Graph from "./Graph.ts"
import * as Nesting from "./Nesting.ts"
import * as Options from "./Options.ts"

/** What is wrong with the columns; `undefined` if nothing is. */
export const problem = (columns: Graph.Columns): string | undefined => {
  try {
    new Check(columns).all()
    return undefined
  } catch (error) {
    if (error instanceof Wrong || error instanceof Nesting.CyclicNesting) return error.message
    if (error instanceof Nesting.UnsupportedNesting) return error.message
    throw error
  }
}

class Wrong extends Error {}

/** Ids are checked to be whole numbers from 0 by whoever decodes the columns, but not to be small enough. */
class Check {
  readonly columns: Graph.Columns
  readonly size: number
  /** The scope that each expand opens. */
  readonly opens = new Map<number, number>()
  readonly gates = new Set<string>()

  constructor(columns: Graph.Columns) {
    this.columns = columns
    this.size = columns.codes.length
  }

  all() {
    const { codes, constants, options, scopeOf, targets, tasks } = this.columns
    for (const task of tasks) checkOptions(task.options, `task ${task.name}`)
    for (const constant of constants) checkPlain("value" in constant && constant.value, "a constant")
    this.scopes()
    for (let id = 0; id < this.size; id++) this.node(id)
    for (const [id, own] of options) {
      if (id >= this.size) fail(`there are options of node ${id}, which is not there`)
      checkOptions(own, `node ${id}`)
    }
    for (const ref of this.references(targets, this.size)) {
      if (scopeOf[ref] !== 0) fail(`the result is node ${ref}, which is inside an each`)
      if (codes[ref]! < 0 && codes[ref] !== Graph.code.collect)
        fail(`the result is node ${ref}, which has no value`)
    }
  }

  scopes() {
    const { codes, scopeOf, scopes } = this.columns
    for (const [index, { expand, item, parent }] of scopes.entries()) {
      if (index === 0) continue
      if (parent >= index) fail(`scope ${index} is not after the one around it`)
      if (codes[expand!] !== Graph.code.expand || scopeOf[expand!] !== parent || this.opens.has(expand!)) {
        fail(`scope ${index} has no node that opens it`)
      }
      this.opens.set(expand!, index)
      if (item !== undefined && (codes[item] !== Graph.code.item || scopeOf[item] !== index)) {
        fail(`scope ${index} has no item ${item}`)
      }
    }
  }

  node(id: number) {
    const { args, codes, scopeOf, scopes, tasks } = this.columns
    const row = args[id]!
    const scope = scopes[scopeOf[id]!] ?? fail(`node ${id} is in no scope`)
    if (scope.expand !== undefined && scope.expand >= id) fail(`node ${id} is before its scope`)
    const opened = row[0] instanceof Graph.Ref ? this.opens.get(row[0].node) : undefined
    const besideOpened = opened !== undefined && scopes[opened]!.parent === scopeOf[id]
    switch (codes[id]) {
      case Graph.code.item:
        if (row.length !== 0 || scope.item !== id) fail(`node ${id} is nobody's item`)
        return
      case Graph.code.expand:
        if (row.length !== 1 || !this.opens.has(id)) fail(`node ${id} opens no scope`)
        return this.inputs(id, undefined)
      case Graph.code.collect:
        if (row.length !== 2 || !besideOpened) fail(`node ${id} collects nothing`)
        return this.inputs(id, opened)
      case Graph.code.gate: {
        const refs = row.filter((arg) => arg instanceof Graph.Ref)
        if (refs.length !== row.length || row.length < 2 || !besideOpened) fail(`node ${id} is no gate`)
        this.inputs(id, undefined)
        const key = Graph.gateKey(
          refs[0]!.node,
          refs.slice(1).map(({ node }) => node)
        )
        if (key !== gateKey(refs)) fail(`node ${id} is no gate`)
        return this.gates.add(key)
      }
      default:
        if (!(codes[id]! >= 0 && codes[id]! < tasks.length)) fail(`node ${id} has no task`)
        return this.inputs(id, undefined)
    }
  }

  /** References are to earlier nodes in sight, and there is a gate for those from outside. */
  inputs(id: number, over: number | undefined) {
    const { args, codes, scopeOf, scopes } = this.columns
    const scope = scopeOf[id]!
    const isBound = codes[id] === Graph.code.collect || codes[id] === Graph.code.gate
    const outside: Array<Graph.Ref> = []
    for (const [index, arg] of args[id]!.entries()) {
      for (const ref of this.references(arg, id)) {
        const hasValue = codes[ref] !== Graph.code.expand && codes[ref] !== Graph.code.gate
        if (!hasValue && !(isBound && index === 0)) fail(`node ${id} reads node ${ref}, which has no value`)
        if (!this.sees(over ?? scope, scopeOf[ref]!)) fail(`node ${id} cannot see node ${ref}`)
        if (scopeOf[ref] !== scope && scopeOf[ref] !== over) outside.push(new Graph.Ref(ref))
      }
    }
    if (outside.length > 0 && !this.gates.has(gateKey([new Graph.Ref(scopes[scope]!.expand!), ...outside]))) {
      fail(`node ${id} uses values from outside an each without a gate`)
    }
  }

  sees(from: number, scope: number): boolean {
    let at = from
    while (at !== scope && at !== 0) at = this.columns.scopes[at]!.parent
    return at === scope
  }

  /** The references in a nesting, all of them to nodes before `before`; constants are looked at as well. */
  references(nesting: unknown, before: number): ReadonlyArray<number> {
    const found: Array<number> = []
    const leaf = (value: unknown) => {
      if (value instanceof Graph.Ref) {
        if (!isIndex(value.node, before))
          fail(`node ${value.node} is referred to, and not before node ${before}`)
        found.push(value.node)
      }
      if (value instanceof Graph.Const && !isIndex(value.index, this.columns.constants.length)) {
        fail(`constant ${value.index} is not there`)
      }
      return value
    }
    Nesting.map(nesting, { leaf })
    return found
  }
}

const isIndex = (value: number, end: number) => Number.isInteger(value) && value >= 0 && value < end

const gateKey = ([expand, ...outside]: ReadonlyArray<Graph.Ref>) =>
  Graph.gateKey(
    expand!.node,
    [...new Set(outside.map(({ node }) => node))].sort((a, b) => a - b)
  )

const checkOptions = (options: Options.TaskOptions, where: string) => {
  const wrong = Options.problem(options)
  if (wrong !== undefined) fail(`${where}: ${wrong}`)
  checkPlain(options, `an option of ${where}`)
}

/** References belong into arguments and results. */
const checkPlain = (value: unknown, what: string) => {
  const leaf = (at: unknown) =>
    at instanceof Graph.Ref || at instanceof Graph.Const ? fail(`${what} is a reference`) : at
  Nesting.map(value, { leaf })
}

const fail = (reason: string): never => {
  throw new Wrong(reason)
}
