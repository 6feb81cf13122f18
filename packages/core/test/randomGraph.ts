/**
 * Random workflows, and what they must give: for tests of whatever runs graphs.
 *
 * `arbitraryWorkflow` makes small programs of calls and eaches, nested, chained and empty, with nested arguments,
 * shared constants and values from scopes around. A program can be read in two ways: `build` makes nodes of it, and
 * `expected` is what plain function calls give. The tasks are exported, so that workers in other threads find them in
 * this module (`import.meta.resolve` of it, or `moduleUrl`).
 */
import fc from "fast-check"
import { each, type Node, task } from "../src/index.ts"

/** Where workers find the tasks. */
export const moduleUrl = import.meta.url

/** A random workflow. */
export interface RandomWorkflow {
  /** Makes the nodes, anew each time, and returns the nesting of nodes and constants that is wanted. */
  readonly build: () => unknown
  /** The value of that nesting. */
  readonly expected: unknown
}

// The functions behind the tasks: pure, total, and cheap.

const fold = (hash: number, word: number) => (Math.imul(hash, 31) + word) | 0

const foldText = (hash: number, text: string) => {
  let result = fold(hash, text.length)
  for (let i = 0; i < text.length; i++) result = fold(result, text.charCodeAt(i))
  return result
}

/** A whole number that depends on everything in a value, and on the order of it. */
const digest = (value: unknown, hash = 17): number => {
  if (typeof value !== "object" || value === null) {
    return foldText(hash, `${typeof value} ${Object.is(value, -0) ? "-0" : String(value)}`)
  }
  const items =
    value instanceof Map || value instanceof Set || value instanceof Uint8Array || Array.isArray(value)
      ? [...value]
      : value instanceof Date
        ? [value.getTime()]
        : Object.entries(value)
  return items.reduce<number>((result, item) => digest(item, result), foldText(hash, value.constructor.name))
}

const MAX_WIDTH = 3
const list = (seed: number) => {
  const width = Math.abs(seed) % (MAX_WIDTH + 1)
  return Array.from({ length: width }, (_, i) => fold(seed, i) % 1000)
}

const functions = {
  mix: (...values: ReadonlyArray<unknown>): unknown => digest(values),
  mixLater: (...values: ReadonlyArray<unknown>): unknown => digest(values, 19),
  describe: (value: unknown): unknown => ({ digest: digest(value), parts: [typeof value, { of: [null] }] }),
  answer: (): unknown => 42,
  spread: (value: unknown): ReadonlyArray<unknown> => list(digest(value, 23)),
  spreadLazily: (value: unknown): ReadonlyArray<unknown> => list(digest(value, 29))
}

/** Any number of arguments to a number. */
export const mix = task("mix", functions.mix)
/** The same, asynchronously. */
export const mixLater = task("mixLater", async (...values: ReadonlyArray<unknown>) => {
  await undefined
  return functions.mixLater(...values)
})
/** Anything to an object. */
export const describe = task("describe", functions.describe, { retry: 2 })
/** No arguments. */
export const answer = task("answer", functions.answer)
/** Anything to a list of up to 3 numbers, which may be empty. */
export const spread = task("spread", functions.spread)
/** The same as a generator. */
export const spreadLazily = task("spreadLazily", function* (value: unknown) {
  yield* functions.spreadLazily(value)
})

const tasks = { mix, mixLater, describe, answer, spread, spreadLazily }

// Programs: plain data, so that they can be shrunk.

type Expression =
  | { readonly is: "constant"; readonly index: number }
  /** One of the variables in sight: counted from the newest, around and around. */
  | { readonly is: "variable"; readonly back: number }
  | { readonly is: "array"; readonly items: ReadonlyArray<Expression> }
  | { readonly is: "object"; readonly a: Expression; readonly b: Expression }
  | { readonly is: "map"; readonly key: Expression; readonly item: Expression }

type List =
  | { readonly is: "literal"; readonly items: ReadonlyArray<Expression> }
  | { readonly is: "spread"; readonly of: Expression; readonly lazily: boolean }
  /** One of the lists in sight, counted likewise. */
  | { readonly is: "earlier"; readonly back: number }

type Statement =
  | {
      readonly is: "call"
      readonly task: "mix" | "mixLater" | "describe" | "answer"
      readonly args: ReadonlyArray<Expression>
    }
  | {
      readonly is: "each"
      readonly list: List
      readonly body: ReadonlyArray<Statement>
      readonly result: Expression
    }

interface Program {
  readonly statements: ReadonlyArray<Statement>
  /** What is wanted; absent: all variables. Where they are given, some nodes may be for nothing. */
  readonly targets: ReadonlyArray<Expression> | undefined
}

const longText = "a text that is long enough to be shared, ".repeat(4)
const sharedObject = { sizes: [64, 128, 256], name: longText, deep: { deeper: new Uint8Array(40).fill(7) } }
/** Made anew or the same object each time: both must be recognised as equal. */
const constants: ReadonlyArray<() => unknown> = [
  () => 0,
  () => -0,
  () => 1.5,
  () => Number.NaN,
  () => true,
  () => null,
  () => undefined,
  () => 12_345_678_901_234_567_890n,
  () => "short",
  () => longText,
  () => sharedObject,
  () => [1, [2, [3, { four: 4 }]]],
  () => new Date(86_400_000),
  () => new Set(["a", 1, null]),
  () =>
    new Map<unknown, unknown>([
      ["a", -0],
      [2, new Uint8Array([1, 2, 3])]
    ]),
  () => new Uint8Array(100).fill(1)
]

const index = fc.nat(1000)

const expression: fc.Arbitrary<Expression> = fc.letrec<{ any: Expression; leaf: Expression }>((tie) => ({
  leaf: fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        is: fc.constant("variable" as const),
        back: fc.oneof({ weight: 3, arbitrary: fc.nat(2) }, { weight: 2, arbitrary: index })
      })
    },
    { weight: 1, arbitrary: fc.record({ is: fc.constant("constant" as const), index }) }
  ),
  any: fc.oneof(
    { depthSize: "small", maxDepth: 3 },
    { weight: 6, arbitrary: tie("leaf") },
    {
      weight: 1,
      arbitrary: fc.record({
        is: fc.constant("array" as const),
        items: fc.array(tie("any"), { maxLength: 3 })
      })
    },
    { weight: 1, arbitrary: fc.record({ is: fc.constant("object" as const), a: tie("any"), b: tie("any") }) },
    {
      weight: 1,
      arbitrary: fc.record({ is: fc.constant("map" as const), key: tie("leaf"), item: tie("any") })
    }
  )
})).any

const newest: fc.Arbitrary<Expression> = fc.constantFrom<Expression>(
  { is: "variable", back: 0 },
  { is: "object", a: { is: "variable", back: 0 }, b: { is: "variable", back: 1 } }
)

const listOf: fc.Arbitrary<List> = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.record({
      is: fc.constant("literal" as const),
      items: fc.array(expression, { maxLength: MAX_WIDTH })
    })
  },
  {
    weight: 2,
    arbitrary: fc.record({ is: fc.constant("spread" as const), of: expression, lazily: fc.boolean() })
  },
  {
    weight: 3,
    arbitrary: fc.record({
      is: fc.constant("earlier" as const),
      back: fc.oneof(fc.constant(0), fc.nat(5))
    })
  }
)

const call: fc.Arbitrary<Statement> = fc.record({
  is: fc.constant("call" as const),
  task: fc.constantFrom("mix", "mix", "mixLater", "describe", "answer"),
  args: fc.array(expression, { minLength: 1, maxLength: 3, size: "max" })
})

const statement = (depth: number): fc.Arbitrary<Statement> =>
  depth === 0
    ? call
    : fc.oneof(
        { weight: 1, arbitrary: call },
        {
          weight: 1,
          arbitrary: fc.record({
            is: fc.constant("each" as const),
            list: listOf,
            body: fc.array(statement(depth - 1), { maxLength: 3, size: "max" }),
            result: fc.oneof({ weight: 1, arbitrary: newest }, { weight: 1, arbitrary: expression })
          })
        }
      )

const program: fc.Arbitrary<Program> = fc.record({
  statements: fc.array(statement(3), { minLength: 1, maxLength: 8, size: "max" }),
  targets: fc.option(fc.array(expression, { minLength: 1, maxLength: 4, size: "max" }), { nil: undefined })
})

// How programs are read. Both readings share all but what a call and an each are.

/** What is known of a value's shape. */
type Shape = "any" | { readonly listOf: Shape }

interface Variable {
  readonly value: unknown
  readonly shape: Shape
  /** For the result of an each, while its scope is the one being built in: how an each over it goes on. */
  readonly chain?: Chain | undefined
}

/** What the body of an each left: for nodes once, for values once for each element. */
interface Body {
  /** The body's variables, which the next body in the chain sees as well. */
  readonly variables: ReadonlyArray<Variable>
  readonly result: Variable
}
type Chain = ReadonlyArray<Body>

interface Reading {
  /** What the results of eaches hold: known before any list is, like types. */
  readonly shapes: Map<Statement, Shape>
  readonly call: (name: keyof typeof tasks, args: ReadonlyArray<unknown>) => unknown
  readonly each: (
    list: unknown,
    chain: Chain | undefined,
    body: (item: unknown, before: Body | undefined) => Body
  ) => { readonly value: unknown; readonly chain: Chain }
}

type Rules = Omit<Reading, "shapes">

const nodes: Rules = {
  call: (name, args) => (tasks[name] as (...args: ReadonlyArray<unknown>) => unknown)(...args),
  each: (list, chain, body) => {
    const bodies: Array<Body> = []
    const value = each(list as Node<ReadonlyArray<unknown>>, (item) => {
      bodies.push(body(item, chain?.[0]))
      return bodies[0]!.result.value
    })
    return { value, chain: bodies }
  }
}

const values: Rules = {
  call: (name, args) => (functions[name] as (...args: ReadonlyArray<unknown>) => unknown)(...args),
  each: (list, chain, body) => {
    const bodies = (list as ReadonlyArray<unknown>).map((item, i) => body(item, chain?.[i]))
    return { value: bodies.map(({ result }) => result.value), chain: bodies }
  }
}

/** Goes through each body once, and makes nothing. */
const shapesOnly: Rules = {
  call: () => undefined,
  each: (_, chain, body) => ({ value: undefined, chain: [body(undefined, chain?.[0])] })
}

const pick = <T>(items: ReadonlyArray<T>, back: number): T | undefined =>
  items[items.length - 1 - (back % items.length)]

const evaluate = (at: Expression, sight: ReadonlyArray<Variable>): Variable => {
  switch (at.is) {
    case "constant":
      return { value: constants[at.index % constants.length]!(), shape: "any" }
    case "variable":
      return pick(sight, at.back) ?? { value: at.back, shape: "any" }
    case "array":
      return { value: at.items.map((item) => evaluate(item, sight).value), shape: { listOf: "any" } }
    case "object":
      return {
        value: { a: evaluate(at.a, sight).value, b: { c: [evaluate(at.b, sight).value] } },
        shape: "any"
      }
    case "map":
      return {
        value: new Map([
          [evaluate(at.key, sight).value, evaluate(at.item, sight).value],
          ["always", true]
        ]),
        shape: "any"
      }
  }
}

const isList = (variable: Variable) => variable.shape !== "any"

const evaluateList = (at: List, sight: ReadonlyArray<Variable>, reading: Reading): Variable => {
  switch (at.is) {
    case "literal":
      return evaluate({ is: "array", items: at.items }, sight)
    case "spread": {
      const value = reading.call(at.lazily ? "spreadLazily" : "spread", [evaluate(at.of, sight).value])
      return { value, shape: { listOf: "any" } }
    }
    case "earlier":
      return pick(sight.filter(isList), at.back) ?? { value: [1, 2], shape: { listOf: "any" } }
  }
}

/** Runs statements; returns the variables that they add. */
const block = (
  statements: ReadonlyArray<Statement>,
  before: ReadonlyArray<Variable>,
  reading: Reading
): ReadonlyArray<Variable> => {
  const added: Array<Variable> = []
  for (const at of statements) {
    const sight = [...before, ...added]
    if (at.is === "call") {
      const args = at.task === "answer" ? [] : at.args.map((arg) => evaluate(arg, sight).value)
      added.push({
        value: reading.call(at.task, at.task === "describe" ? args.slice(0, 1) : args),
        shape: "any"
      })
    } else added.push(evaluateEach(at, sight, reading))
  }
  return added
}

const evaluateEach = (
  at: Statement & { readonly is: "each" },
  sight: ReadonlyArray<Variable>,
  reading: Reading
): Variable => {
  const over = evaluateList(at.list, sight, reading)
  const around = sight.map(({ shape, value }) => ({ shape, value }))
  const elementShape = over.shape === "any" ? "any" : over.shape.listOf
  const { chain, value } = reading.each(over.value, over.chain, (element, before) => {
    const item = { value: element, shape: elementShape, chain: before?.result.chain }
    const inherited = [...(before?.variables ?? []), item]
    const variables = [...inherited, ...block(at.body, [...around, ...inherited], reading)]
    const result = evaluate(at.result, [...around, ...variables])
    if (!reading.shapes.has(at)) reading.shapes.set(at, result.shape)
    return { variables, result }
  })
  return { value, shape: { listOf: reading.shapes.get(at)! }, chain }
}

const read = ({ statements, targets }: Program, reading: Reading): unknown => {
  const variables = block(statements, [], reading)
  return targets === undefined
    ? variables.map(({ value }) => value)
    : targets.map((target) => evaluate(target, variables).value)
}

// For reading failures of property tests.

const showExpression = (at: Expression): string => {
  switch (at.is) {
    case "constant":
      return `constant ${at.index % constants.length}`
    case "variable":
      return `$-${at.back}`
    case "array":
      return `[${at.items.map(showExpression).join(", ")}]`
    case "object":
      return `{ a: ${showExpression(at.a)}, b: { c: [${showExpression(at.b)}] } }`
    case "map":
      return `Map(${showExpression(at.key)} => ${showExpression(at.item)})`
  }
}

const showList = (at: List): string =>
  at.is === "literal"
    ? `[${at.items.map(showExpression).join(", ")}]`
    : at.is === "spread"
      ? `${at.lazily ? "spreadLazily" : "spread"}(${showExpression(at.of)})`
      : `list $-${at.back}`

const showStatements = (statements: ReadonlyArray<Statement>, indent: string): string =>
  statements
    .map((at) =>
      at.is === "call"
        ? `${indent}${at.task}(${at.args.map(showExpression).join(", ")})\n`
        : `${indent}each(${showList(at.list)}, item => {\n${showStatements(at.body, `${indent}  `)}${indent}  return ${showExpression(at.result)} })\n`
    )
    .join("")

const show = ({ statements, targets }: Program) =>
  `\n${showStatements(statements, "  ")}  return ${targets === undefined ? "all" : `[${targets.map(showExpression).join(", ")}]`}\n`

/** Random workflows. Printed as programs in which `$-0` is the newest variable in sight, `$-1` the one before. */
export const arbitraryWorkflow: fc.Arbitrary<RandomWorkflow> = program.map((generated) => {
  // A copy in which no statement stands twice, so that each has one shape.
  const made = JSON.parse(JSON.stringify(generated)) as Program
  const shapes = new Map<Statement, Shape>()
  read(made, { ...shapesOnly, shapes })
  return {
    build: () => read(made, { ...nodes, shapes }),
    expected: read(made, { ...values, shapes }),
    [fc.toStringMethod]: () => show(made)
  }
})
