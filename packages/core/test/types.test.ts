// What compiles and what does not. `npm run check` is the test; here the functions are never called.
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { describe, expectTypeOf, it } from "vitest"
import {
  type Annotation,
  type Arg,
  annotation,
  type Behaviour,
  behaviour,
  each,
  type Node,
  type Planner,
  planner,
  type Resolved,
  type ResultOf,
  type Task,
  task,
  type Workflow,
  workflow
} from "../src/index.ts"

interface Picture {
  readonly width: number
  readonly pixels: Uint8Array
  readonly tags?: ReadonlyArray<string>
}

class Money {
  readonly cents: number
  constructor(cents: number) {
    this.cents = cents
  }
  plus(other: Money): Money {
    return new Money(this.cents + other.cents)
  }
}

type Json = string | number | boolean | null | ReadonlyArray<Json> | { readonly [key: string]: Json }

declare const someNumber: Node<number>
declare const someText: Node<string>
declare const someTexts: Node<Array<string>>
declare const somePicture: Node<Picture>

const takesNumber = task("takesNumber", (n: number) => n > 0)
const takesPicture = task("takesPicture", (picture: Picture) => picture.width)
const takesTexts = task("takesTexts", (texts: Array<string>) => texts.length)
const takesPair = task("takesPair", (pair: [string, number]) => pair)
const takesReadonly = task("takesReadonly", (pairs: ReadonlyArray<readonly [string, number]>) => pairs.length)
const takesMap = task("takesMap", (map: Map<string, Array<number>>) => map.size)
const takesUnion = task("takesUnion", (value: number | ReadonlyArray<string> | null) => value)
const takesAnything = task("takesAnything", (value: unknown) => value)
const takesJson = task("takesJson", (json: Json) => json)

// A function around the calls, so that nothing is built.
const compiles = (_: () => void) => {}

describe("a task", () => {
  it("gives a node of what its function returns", () => {
    expectTypeOf(takesNumber).toEqualTypeOf<Task<[n: number], boolean>>()
    expectTypeOf<ReturnType<typeof takesNumber>>().toEqualTypeOf<Node<boolean>>()
  })

  it("gives what a promise resolves to", () => {
    const later = task("later", async (n: number) => [n])
    expectTypeOf<ReturnType<typeof later>>().toEqualTypeOf<Node<Array<number>>>()
    expectTypeOf<ResultOf<() => PromiseLike<string>>>().toEqualTypeOf<string>()
    expectTypeOf<ResultOf<() => number | Promise<string>>>().toEqualTypeOf<number | string>()
  })

  it("gives the list of what a generator yields", () => {
    const lines = task("lines", function* (text: string) {
      yield text.length
    })
    const later = task("later", async function* () {
      yield new Date()
    })
    expectTypeOf<ReturnType<typeof lines>>().toEqualTypeOf<Node<Array<number>>>()
    expectTypeOf<ReturnType<typeof later>>().toEqualTypeOf<Node<Array<Date>>>()
  })

  it("stays the same with other options", () => {
    expectTypeOf(takesNumber.with({ retry: 3 })).toEqualTypeOf(takesNumber)
    compiles(() => {
      // @ts-expect-error: there is no such option
      takesNumber.with({ retries: 3 })
      // @ts-expect-error: a number of attempts, or a policy
      takesNumber.with({ retry: "3" })
      // @ts-expect-error: there is no such field
      task("x", () => 1, { retry: { attempts: 3, wait: 1 } })
    })
  })

  it("takes values or nodes", () => {
    compiles(() => {
      takesNumber(1)
      takesNumber(someNumber)
      // @ts-expect-error: wrong value
      takesNumber("1")
      // @ts-expect-error: wrong node
      takesNumber(someText)
      // @ts-expect-error: the task instead of a call of it
      takesNumber(takesNumber)
    })
  })

  it("takes as many arguments as its function", () => {
    const optional = task("optional", (a: number, b?: string) => `${a}${b}`)
    const rest = task("rest", (first: string, ...others: Array<number>) => first + others.length)
    const readonlyRest = task("readonlyRest", (...all: ReadonlyArray<number>) => all.length)
    const defaults = task("defaults", (a: number, b = 2) => a + b)
    compiles(() => {
      optional(1)
      optional(someNumber, someText)
      optional(1, "b")
      rest("a")
      rest(someText, 1, someNumber, 3)
      readonlyRest(1, someNumber)
      readonlyRest(...[someNumber, 2])
      defaults(1)
      defaults(1, someNumber)
      // @ts-expect-error: too few
      takesNumber()
      // @ts-expect-error: too many
      takesNumber(1, 2)
      // @ts-expect-error: wrong optional argument
      optional(1, someNumber)
      // @ts-expect-error: wrong rest argument
      rest("a", 1, someText)
      // @ts-expect-error: wrong readonly rest argument
      readonlyRest(someText)
      // @ts-expect-error: wrong argument with a default
      defaults(1, someText)
    })
  })
})

describe("a Node<T>", () => {
  it("may stand for a T in arrays and tuples", () => {
    compiles(() => {
      takesTexts(["a", someText])
      takesTexts(someTexts)
      takesTexts([someText] as const)
      takesPair(["a", someNumber])
      takesPair([someText, 1])
      takesReadonly([
        ["a", 1],
        [someText, someNumber]
      ])
      // @ts-expect-error: a list where an element is wanted
      takesTexts([someTexts])
      // @ts-expect-error: wrong element
      takesTexts(["a", someNumber])
      // @ts-expect-error: wrong place in the tuple
      takesPair([1, someText])
      // @ts-expect-error: too short
      takesPair([someText])
      // @ts-expect-error: a node of single texts
      takesTexts(someText)
    })
  })

  it("may stand for a T in objects", () => {
    compiles(() => {
      takesPicture({ width: someNumber, pixels: new Uint8Array(1) })
      takesPicture({ width: 1, pixels: new Uint8Array(1), tags: ["a", someText] })
      takesPicture({ width: 1, pixels: new Uint8Array(1), tags: someTexts })
      takesPicture(somePicture)
      // @ts-expect-error: a property is missing
      takesPicture({ width: someNumber })
      // @ts-expect-error: wrong node at a property
      takesPicture({ width: someText, pixels: new Uint8Array(1) })
      // @ts-expect-error: wrong node deep inside
      takesPicture({ width: 1, pixels: new Uint8Array(1), tags: [someNumber] })
      // @ts-expect-error: no such property
      takesPicture({ width: 1, pixels: new Uint8Array(1), size: 3 })
    })
  })

  it("may stand for a T in Maps, as key or as value", () => {
    compiles(() => {
      takesMap(new Map([["a", [someNumber, 1]]]))
      takesMap(new Map([[someText, [1]]]))
      takesMap(new Map<string, Node<Array<number>>>())
      // @ts-expect-error: wrong value
      takesMap(new Map([["a", [someText]]]))
      // @ts-expect-error: wrong key
      takesMap(new Map([[someNumber, [1]]]))
    })
  })

  it("may stand for any of a union's members", () => {
    compiles(() => {
      takesUnion(someNumber)
      takesUnion([someText, "b"])
      takesUnion(null)
      // @ts-expect-error: none of them
      takesUnion(somePicture)
      // @ts-expect-error: none of them
      takesUnion([someNumber])
    })
  })

  it("may stand anywhere where anything goes", () => {
    compiles(() => {
      takesAnything({ a: [someNumber, somePicture] })
      takesJson({ a: [someNumber, { b: someText }], c: null })
      // @ts-expect-error: a picture has bytes, which are no JSON
      takesJson(somePicture)
    })
  })

  it("may stand for parts of a recursive type", () => {
    interface Tree {
      readonly size: number
      readonly children: ReadonlyArray<Tree>
    }
    const sizeOf = task("sizeOf", (tree: Tree): number => tree.size)
    const grow = task("grow", (tree: Tree) => tree)
    compiles(() => {
      sizeOf({ size: someNumber, children: [grow({ size: 1, children: [] }), { size: 1, children: [] }] })
      takesJson([takesJson(someNumber), [[someText]]])
      expectTypeOf(each([1], () => takesJson(1))).toEqualTypeOf<Node<Array<Json>>>()
      // @ts-expect-error: wrong node deep inside
      sizeOf({ size: 1, children: [{ size: 1, children: [someNumber] }] })
      // @ts-expect-error: nor is it JSON in a list
      takesJson([[somePicture]])
    })
  })

  it("is not a T itself", () => {
    compiles(() => {
      // @ts-expect-error: its value is not known yet
      someNumber + 1
      // @ts-expect-error: nor are its properties
      somePicture.width
    })
  })

  it("is covariant and keeps types apart", () => {
    expectTypeOf<Node<"a">>().toExtend<Node<string>>()
    expectTypeOf<Node<string>>().not.toExtend<Node<"a">>()
    expectTypeOf<Node<number>>().not.toExtend<Node<string>>()
  })
})

describe("Arg", () => {
  it("keeps whole what the traversal does not go into", () => {
    expectTypeOf<Arg<Date>>().toEqualTypeOf<Node<Date> | Date>()
    expectTypeOf<Arg<Uint8Array>>().toEqualTypeOf<Node<Uint8Array> | Uint8Array>()
    expectTypeOf<Arg<Set<number>>>().toEqualTypeOf<Node<Set<number>> | Set<number>>()
    expectTypeOf<Arg<unknown>>().toBeUnknown()
  })

  it("accepts no functions", () => {
    expectTypeOf<Arg<() => number>>().toEqualTypeOf<Node<() => number>>()
    const withCallback = task("withCallback", (options: { readonly done: () => void }) => options)
    compiles(() => {
      // @ts-expect-error: functions cannot be sent
      withCallback({ done: () => {} })
    })
  })

  it("accepts nodes of class instances", () => {
    const pay = task("pay", (money: Money) => money.plus(money))
    expectTypeOf<ReturnType<typeof pay>>().toEqualTypeOf<Node<Money>>()
    compiles(() => {
      pay({} as Node<Money>)
      pay(pay({} as Node<Money>))
    })
  })
})

describe("Resolved", () => {
  it("puts values in the place of nodes", () => {
    expectTypeOf<Resolved<Node<number>>>().toEqualTypeOf<number>()
    expectTypeOf<Resolved<{ a: Node<number>; b: ReadonlyArray<Node<string>> }>>().toEqualTypeOf<{
      a: number
      b: Array<string>
    }>()
    expectTypeOf<Resolved<readonly [Node<number>, "x", { c: Node<null> }]>>().toEqualTypeOf<
      [number, "x", { c: null }]
    >()
    expectTypeOf<Resolved<Map<string, Node<Date>>>>().toEqualTypeOf<Map<string, Date>>()
    expectTypeOf<Resolved<Node<number> | string>>().toEqualTypeOf<number | string>()
  })

  it("leaves other values as they are", () => {
    expectTypeOf<Resolved<Date>>().toEqualTypeOf<Date>()
    expectTypeOf<Resolved<Set<number>>>().toEqualTypeOf<Set<number>>()
    expectTypeOf<Resolved<Uint8Array>>().toEqualTypeOf<Uint8Array>()
    expectTypeOf<Resolved<undefined>>().toEqualTypeOf<undefined>()
    expectTypeOf<Resolved<unknown>>().toBeUnknown()
  })

  it("keeps optional properties optional", () => {
    expectTypeOf<Resolved<{ readonly a?: Node<number> }>>().toEqualTypeOf<{ readonly a?: number }>()
  })
})

describe("each", () => {
  it("knows the type of the list's elements", () => {
    compiles(() => {
      each(someTexts, (text) => {
        expectTypeOf(text).toEqualTypeOf<Node<string>>()
        return text
      })
      each([1, 2], (n) => {
        expectTypeOf(n).toEqualTypeOf<Node<number>>()
        return n
      })
      each([someNumber, 2], (n) => {
        expectTypeOf(n).toEqualTypeOf<Node<number>>()
        return n
      })
      each({} as Node<ReadonlyArray<Picture>>, (picture) => {
        expectTypeOf(picture).toEqualTypeOf<Node<Picture>>()
        // @ts-expect-error: wrong wiring inside the body
        takesTexts(picture)
        return takesPicture(picture)
      })
      // @ts-expect-error: not a list
      each(someNumber, (n) => n)
    })
  })

  it("gives the list of what its body returns, resolved", () => {
    const gives = () => ({
      nodes: each(someTexts, (text) => takesTexts([text])),
      objects: each(someTexts, (text) => ({ text, at: [takesTexts([text])], fixed: 1 })),
      pairs: each(someTexts, (text) => [text, someNumber]),
      constants: each(someTexts, () => "x"),
      nothing: each(someTexts, () => undefined)
    })
    expectTypeOf<ReturnType<typeof gives>["nodes"]>().toEqualTypeOf<Node<Array<number>>>()
    expectTypeOf<ReturnType<typeof gives>["objects"]>().toEqualTypeOf<
      Node<Array<{ readonly text: string; readonly at: [number]; readonly fixed: 1 }>>
    >()
    expectTypeOf<ReturnType<typeof gives>["pairs"]>().toEqualTypeOf<Node<Array<[string, number]>>>()
    expectTypeOf<ReturnType<typeof gives>["constants"]>().toEqualTypeOf<Node<Array<"x">>>()
    expectTypeOf<ReturnType<typeof gives>["nothing"]>().toEqualTypeOf<Node<Array<undefined>>>()
  })

  it("goes on from each to each", () => {
    const chained = () =>
      each(
        each(someTexts, (text) => ({ text, length: takesTexts([text]) })),
        (item) => {
          expectTypeOf(item).toEqualTypeOf<Node<{ readonly text: string; readonly length: number }>>()
          return item
        }
      )
    expectTypeOf<ReturnType<typeof chained>>().toEqualTypeOf<
      Node<Array<{ readonly text: string; readonly length: number }>>
    >()
    const nested = () => each(someTexts, (text) => each(someTexts, (other) => [text, other]))
    expectTypeOf<ReturnType<typeof nested>>().toEqualTypeOf<Node<Array<Array<[string, string]>>>>()
  })
})

describe("workflow", () => {
  it("has the types of its input and of what it builds", () => {
    const made = workflow(import.meta, (n: number) => ({ twice: takesNumber(n) }))
    expectTypeOf(made).toEqualTypeOf<Workflow<number, { twice: Node<boolean> }>>()
    expectTypeOf(workflow(import.meta, () => someNumber)).toEqualTypeOf<Workflow<undefined, Node<number>>>()
  })

  it("takes its input's type from a schema", () => {
    const input = Schema.toStandardSchemaV1(Schema.Struct({ n: Schema.Finite }))
    const made = workflow(import.meta, ({ n }: { readonly n: number }) => takesNumber(n), { input })
    expectTypeOf(made).toEqualTypeOf<Workflow<{ readonly n: number }, Node<boolean>>>()
    compiles(() => {
      // @ts-expect-error: the schema gives another type
      workflow(import.meta, (text: string) => text, { input })
    })
  })
})

const Priority = annotation("priority", Schema.Finite)
const Pinned = annotation("pinned", Schema.Struct({ to: Schema.String }))
const Budget = annotation("budget", Schema.Finite, "plan")

describe("an annotation", () => {
  it("takes values of its schema's type", () => {
    expectTypeOf(Priority).toExtend<Annotation.Annotation<"priority", number>>()
    compiles(() => {
      Priority(5)
      Pinned({ to: "a" })
      takesNumber.with({ annotations: [Priority(5), Pinned({ to: "a" })] })
      // @ts-expect-error: wrong value
      Priority("5")
      // @ts-expect-error: the annotation itself instead of a value
      takesNumber.with({ annotations: [Priority] })
    })
  })
})

describe("a planner", () => {
  it("may put the annotations that it declares, and no others", () => {
    const made = planner({
      name: "typed",
      annotations: [Priority, Budget],
      plan: ({ draft, graph }) => {
        expectTypeOf(graph.size).toBeNumber()
        compiles(() => {
          draft.annotate(0, Priority(1))
          draft.annotate(0, { name: "priority", value: 1 })
          draft.annotatePlan(Budget(2), Priority(1))
          draft.assign(0, { memory: 1024, worker: "a" })
          // @ts-expect-error: not declared
          draft.annotate(0, Pinned({ to: "a" }))
          // @ts-expect-error: not declared
          draft.annotatePlan(Pinned({ to: "a" }))
          // @ts-expect-error: wrong value for a declared one
          draft.annotate(0, { name: "priority", value: "1" })
          // @ts-expect-error: a worker is a text
          draft.assign(0, { worker: 1 })
        })
      }
    })
    expectTypeOf(made).toEqualTypeOf<Planner.Planner<typeof Priority | typeof Budget>>()
  })

  it("without annotations may put none", () => {
    const made = planner({
      name: "plain",
      annotations: [],
      plan: ({ draft }) => {
        compiles(() => {
          // @ts-expect-error: not declared
          draft.annotate(0, Priority(1))
        })
      }
    })
    expectTypeOf(made).toEqualTypeOf<Planner.Planner<never>>()
  })

  it("may plan in a promise or an Effect", () => {
    compiles(() => {
      planner({ name: "promise", annotations: [], plan: async () => {} })
      planner({ name: "effect", annotations: [], plan: () => Effect.void })
      // @ts-expect-error: an Effect that can fail leaves no plan
      planner({ name: "failing", annotations: [], plan: () => Effect.fail("no") })
    })
  })
})

describe("a behaviour", () => {
  const prioritised = behaviour(import.meta, Priority, {
    execute: (context, next) => {
      expectTypeOf(context.value).toBeNumber()
      return Effect.delay(next, context.value)
    },
    start: (context, next) => {
      expectTypeOf(context.value).toEqualTypeOf<number | undefined>()
      return next
    }
  })
  const pinned = behaviour(import.meta, Pinned, {})

  it("wraps stages without changing their types", () => {
    compiles(() => {
      behaviour(import.meta, Priority, {
        // @ts-expect-error: a text is not the list of arguments
        inputs: () => Effect.succeed("x")
      })
      behaviour(import.meta, Priority, {
        // @ts-expect-error: there is no such stage
        compute: (_: unknown, next: unknown) => next
      })
    })
  })

  it("must be there for each annotation of a planner", () => {
    type Both = typeof Priority | typeof Pinned
    type BothBehaviours = readonly [typeof prioritised, typeof pinned]
    expectTypeOf<Behaviour.Covering<Both, BothBehaviours>>().toEqualTypeOf<BothBehaviours>()
    expectTypeOf<Behaviour.Covering<never, readonly []>>().toEqualTypeOf<readonly []>()
    expectTypeOf<Behaviour.Covering<typeof Priority, BothBehaviours>>().toEqualTypeOf<BothBehaviours>()

    const run = <A extends Annotation.AnyAnnotation, const Bs extends ReadonlyArray<Behaviour.Behaviour>>(
      _planner: Planner.Planner<A>,
      _behaviours: Behaviour.Covering<A, Bs> & Bs
    ) => {}
    const both = planner({ name: "both", annotations: [Priority, Pinned], plan: () => {} })
    compiles(() => {
      run(both, [prioritised, pinned])
      run(both, [pinned, prioritised])
      // @ts-expect-error: no behaviour for the annotation "pinned"
      run(both, [prioritised])
      // @ts-expect-error: none at all
      run(both, [])
    })
  })
})
