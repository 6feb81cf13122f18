/**
 * The flags that say in which store runs are, and on what they run; and the use of such a store by a command.
 */
import * as Config from "effect/Config"
import { Flag } from "effect/cli"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Connections from "../internal/Connections.ts"
import * as StoreUrl from "../internal/StoreUrl.ts"
import { type CliFailure, usage } from "./CliFailure.ts"
import { milliseconds } from "./Units.ts"

/** `--store` and `--objects`, for every command that has to do with runs. */
export const storeFlags = {
  store: Flag.String("store").pipe(
    Flag.withMetavar("URL"),
    Flag.withDescription(
      "Where runs are coordinated and kept: redis://localhost:6379, rediss:// for TLS (default: WEFT_STORE, else memory)"
    ),
    Flag.withFallbackConfig(Config.String("WEFT_STORE")),
    Flag.optional
  ),
  objects: Flag.String("objects").pipe(
    Flag.withMetavar("URL"),
    Flag.withDescription(
      "Where large values go: s3://bucket/prefix?region=eu-central-1 (default: WEFT_OBJECTS, else to the store)"
    ),
    Flag.withFallbackConfig(Config.String("WEFT_OBJECTS")),
    Flag.optional
  )
}

/** What the flags of {@link storeFlags} were given. */
export interface StoreGiven {
  readonly store: Option.Option<string>
  readonly objects: Option.Option<string>
}

/** A store, and where its large values go. */
export interface Place {
  readonly store: string
  readonly objects?: string
}

/** The store that was named; `undefined` if it is this process's memory. */
export const placeOf = ({ objects, store }: StoreGiven): Place | undefined => {
  const named = Option.getOrUndefined(store)
  if (named === undefined || named === "" || named === "memory") return
  const large = Option.getOrUndefined(objects)
  return { store: named, ...(large === undefined || large === "" ? {} : { objects: large }) }
}

/** The store that was named, for commands that make no sense without one. */
export const neededPlace = (given: StoreGiven): Effect.Effect<Place, CliFailure> =>
  Effect.suspend(() => {
    const place = placeOf(given)
    return place === undefined
      ? Effect.fail(
          usage(
            "no store is named, and runs in memory cannot be seen from another process: " +
              "say where they are with --store redis://localhost:6379, or in WEFT_STORE"
          )
        )
      : Effect.succeed(place)
  })

/** Connects to a store until the scope closes. */
export const connect = ({
  objects,
  store
}: Place): Effect.Effect<Connections.Connection, unknown, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.tryPromise({ try: () => Connections.use(store, objects), catch: (error) => error }),
    ({ end }) => Effect.promise(end)
  )

/** Runs something on a store. */
export const on = <A, E>(
  { runtime }: Connections.Connection,
  effect: Effect.Effect<A, E, Connections.Services>
): Effect.Effect<A, E | unknown> =>
  Effect.flatMap(runtime.contextEffect, (context) => Effect.provideContext(effect, context))

/** A store's URL as it may be shown. */
export const shown = ({ store }: Place): string => StoreUrl.withoutSecrets(store)

/** The flags that name the same place in another command. What the environment says need not be repeated. */
export const repeated = (place: Place): string => {
  const store = process.env.WEFT_STORE === place.store ? "" : ` --store ${shown(place)}`
  const isKnown = place.objects === undefined || process.env.WEFT_OBJECTS === place.objects
  return isKnown ? store : `${store} --objects '${place.objects}'`
}

/** `--engine`, for every command that runs tasks. */
export const engine = Flag.Literals("engine", ["inline", "threads", "processes", "lambda"]).pipe(
  Flag.withAlias("e"),
  Flag.withDescription(
    "Where tasks run: in this process, on threads, in processes, or on AWS Lambda; the last two need a --store (default: inline)"
  ),
  Flag.withDefault("inline" as const)
)

/** `--concurrency`, for every command that runs tasks. */
export const concurrency = Flag.Int("concurrency").pipe(
  Flag.withAlias("c"),
  Flag.withMetavar("N"),
  Flag.withDescription("How many workers may be active at once (default: the engine's)"),
  Flag.filter(
    (n) => n >= 1,
    () => "1 or more"
  ),
  Flag.optional
)

/** A flag that takes a time such as `90s`, in ms. */
export const time = (name: string): Flag.Flag<number> =>
  Flag.String(name).pipe(
    Flag.withMetavar("TIME"),
    Flag.mapTryCatch(milliseconds, (error) => (error as Error).message)
  )
