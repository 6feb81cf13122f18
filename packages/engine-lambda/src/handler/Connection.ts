/**
 * The stores of an environment, connected once and kept from one invocation to the next.
 *
 * Between invocations an environment is frozen, and whoever is at the other end may have given the connection up meanwhile.
 * Nobody tells: a call would fail, or hang until it is given up. So the first call of an invocation has little time, and
 * if it fails on a connection from before, everything is connected anew.
 */
import {
  type Coordination,
  type ObjectStore,
  StoreError,
  Stores,
  type StoresReference,
  type Streams
} from "@weft/storage"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { STORES_VARIABLE } from "../Naming.ts"

/** The stores of a run. */
export type Services = Context.Context<Coordination | ObjectStore | Streams>

interface Connected {
  readonly name: string
  readonly services: Services
  readonly scope: Scope.Closeable
}

/** How long a connection from before has for its first call, in ms. */
const FIRST_CALL_MS = 1000
/** How often connecting is tried again while the store cannot be reached, in ms, and for how long. */
const AGAIN_MS = 100
const PATIENCE_MS = 10_000

export class Connection {
  /** How the stores are made; in functions, what the deployment says. */
  readonly reference: Effect.Effect<StoresReference, StoreError>
  private connected: Promise<Connected> | undefined
  /** Whether this invocation has seen it work. */
  private isFresh = false
  private closing: Promise<unknown> = Promise.resolve()

  constructor(environment: Readonly<Record<string, string | undefined>>) {
    this.reference = referenceOf(environment[STORES_VARIABLE])
  }

  /** An invocation begins: what was connected may be dead by now. */
  thawed(): void {
    this.isFresh = this.connected === undefined
  }

  /** Connects, if it is not. */
  readonly services: Effect.Effect<Services, StoreError> = Effect.suspend(() =>
    Effect.map(this.connect(true), ({ services }) => services)
  )

  /** As people are told, without secrets. */
  readonly name: Effect.Effect<string, StoreError> = Effect.suspend(() =>
    Effect.map(this.connect(false), ({ name }) => name)
  )

  /**
   * Makes the first call of an invocation, which must bear to be made twice. Connects anew if it fails, or is not answered,
   * on a connection from before.
   */
  first<A, E, R>(call: (services: Services) => Effect.Effect<A, E, R>): Effect.Effect<A, E | StoreError, R> {
    const made = Effect.flatMap(this.services, call)
    return Effect.suspend(() =>
      this.isFresh
        ? made
        : Effect.catchCause(Effect.timeout(made, FIRST_CALL_MS), () => {
            this.replace()
            return made
          })
    ).pipe(
      Effect.tap(() =>
        Effect.sync(() => {
          this.isFresh = true
        })
      )
    )
  }

  /** Ends what must not go on while the environment is frozen. */
  async settled(): Promise<void> {
    await this.closing
  }

  private connect(persistently: boolean): Effect.Effect<Connected, StoreError> {
    return Effect.tryPromise({
      try: () => {
        const open = Effect.flatMap(this.reference, openOnce)
        this.connected ??= Effect.runPromise(persistently ? Effect.retry(open, WHILE_AWAY) : open)
        const connecting = this.connected
        connecting.catch(() => {
          // The next may be luckier.
          if (this.connected === connecting) this.connected = undefined
        })
        return connecting
      },
      catch: (error) => error as StoreError
    })
  }

  private replace(): void {
    const { closing, connected } = this
    this.connected = undefined
    this.isFresh = true
    const close = async () => {
      const old = await connected?.catch(() => undefined)
      if (old !== undefined) await Effect.runPromise(Scope.close(old.scope, Exit.void))
    }
    this.closing = Promise.all([closing, close()])
  }
}

const WHILE_AWAY = {
  while: ({ retryable }: StoreError) => retryable,
  schedule: Schedule.upTo(Schedule.spaced(AGAIN_MS), { duration: PATIENCE_MS })
}

const openOnce = Effect.fnUntraced(function* (reference: StoresReference) {
  const { layer, name } = yield* Stores.load(reference)
  const scope = Scope.makeUnsafe()
  const services = yield* Effect.onError(Layer.buildWithScope(layer, scope), (cause) =>
    Scope.close(scope, Exit.failCause(cause))
  )
  return { name, services, scope } satisfies Connected
})

const Reference = Schema.Struct({
  module: Schema.String,
  options: Schema.Unknown,
  base: Schema.optional(Schema.suspend((): Schema.Codec<StoresReference> => Reference))
})
const decodeReference = Schema.decodeUnknownEffect(Schema.fromJsonString(Reference))

const referenceOf = (text: string | undefined): Effect.Effect<StoresReference, StoreError> =>
  text === undefined
    ? Effect.fail(unusable("is not set"))
    : // What it says may hold secrets, and is not shown.
      Effect.mapError(decodeReference(text), () => unusable("is no reference to stores"))

const unusable = (what: string) =>
  new StoreError({
    reason: "refused",
    operation: "be opened",
    detail: `the function's environment variable ${STORES_VARIABLE} ${what}. Deploy anew: \`weft deploy FILE --store URL\``
  })
