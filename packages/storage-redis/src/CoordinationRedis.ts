/**
 * Coordination on Redis or Valkey: each operation that changes something is one script, run where the run's keys are.
 */
import type { InstanceId } from "@weft/core"
import {
  type Completion,
  Coordination,
  goneState,
  type Kept,
  type Message,
  objectsAmong,
  type Reply,
  type RunDocument,
  type RunSpec,
  type StoreError,
  UploadStrategy
} from "@weft/storage"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Channels } from "./Channels.ts"
import { Unreadable } from "./Errors.ts"
import { fieldOf } from "./Ids.ts"
import { fromMessage } from "./Messages.ts"
import { RedisClient } from "./Redis.ts"
import { evaluate as evaluateOn, type Operation } from "./Scripts.ts"
import * as Wire from "./Wire.ts"

/** Larger values would keep the server busy with one script for too long. */
const INLINE_BYTES = 2 ** 20

const decodeBehaviours = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Array(Schema.Struct({ module: Schema.String, annotation: Schema.String })))
)
const decodeStrategy = Schema.decodeUnknownOption(Schema.fromJsonString(UploadStrategy))

/** What a run that is gone answers for values that came with the call: they are the caller's to remove. */
const withDropped = (reply: Reply, values: ReadonlyArray<Kept>): Reply =>
  reply.status !== "gone" ? reply : { ...reply, dropped: objectsAmong(values) }

/** Coordination on the connection that `RedisClient` has. */
export const layer: Layer.Layer<Coordination, StoreError, RedisClient> = Layer.effect(
  Coordination,
  Effect.gen(function* () {
    const client = yield* RedisClient
    const { commands, prefix } = client
    const channels = yield* Channels.make(client)
    const keyOf = (run: string) => `${prefix}:{${run}}`

    const evaluate = (operation: Operation, run: string, args: ReadonlyArray<string | Buffer>) =>
      evaluateOn(commands, operation, keyOf(run), args)

    const act = (operation: Operation, run: string, args: ReadonlyArray<string | Buffer>) =>
      client.ask(operation, () => evaluate(operation, run, args))

    const ask = (operation: Operation, run: string, args: ReadonlyArray<string | Buffer>) =>
      client.ask(operation, async () => Wire.toReply(await evaluate(operation, run, args)))

    const begin = (spec: RunSpec, worker: string) =>
      client.ask("begin", async () => {
        const document = spec.document()
        const args = new Wire.Arguments(worker)
        args.json = [
          spec.workflow,
          spec.leaseMs === Number.POSITIVE_INFINITY ? "inf" : spec.leaseMs,
          spec.maxAttempts,
          spec.instances,
          spec.ready.flatMap(({ instance, worker }) => [fieldOf(instance), worker ?? 0]),
          spec.targets.map(fieldOf),
          Math.round(client.options.abandonedMs),
          Math.round(client.options.resultMs)
        ]
        args.list.push(
          Wire.bufferOf(document.graph),
          Wire.bufferOf(document.plan),
          document.module,
          JSON.stringify(document.behaviours),
          document.metrics === undefined ? "" : JSON.stringify(document.metrics)
        )
        return Wire.toReply(await evaluate("begin", spec.run, args.list))
      })

    const complete = (run: string, worker: string, completions: ReadonlyArray<Completion>) =>
      Effect.map(
        client.ask("complete", async () => {
          const args = new Wire.Arguments(worker)
          args.json = args.completions(completions)
          return Wire.toReply(await evaluate("complete", run, args.list))
        }),
        (reply) =>
          reply.status === "gone"
            ? withDropped(
                reply,
                completions.flatMap(({ keep }) => keep)
              )
            : reply
      )

    const keep = (run: string, worker: string, values: ReadonlyArray<Kept>) =>
      Effect.map(
        client.ask("keep", async () => {
          const args = new Wire.Arguments(worker)
          args.json = args.keep(values)
          return Wire.toReply(await evaluate("keep", run, args.list))
        }),
        (reply) => withDropped(reply, values)
      )

    const load = (run: string): Effect.Effect<RunDocument | undefined, StoreError> =>
      client.ask("load", async () => {
        const [graph, plan, module, behaviours, metrics] = await commands.hmgetBuffer(
          `${keyOf(run)}:d`,
          "graph",
          "plan",
          "module",
          "behaviours",
          "metrics"
        )
        if (!graph || !plan || !module || !behaviours) return undefined
        const decoded = decodeBehaviours(String(behaviours))
        if (Option.isNone(decoded)) throw new Unreadable(`the behaviours in ${keyOf(run)}:d cannot be read`)
        // Nobody's result depends on it.
        const strategy = Option.getOrUndefined(decodeStrategy(String(metrics ?? "")))
        return { graph, plan, module: String(module), behaviours: decoded.value, metrics: strategy }
      })

    const read = (run: string, instances: ReadonlyArray<InstanceId>) =>
      instances.length === 0
        ? Effect.succeed([])
        : client.ask("read", async () =>
            (await commands.hmgetBuffer(`${keyOf(run)}:v`, ...instances.map(fieldOf))).map(Wire.toStored)
          )

    const waits = (run: string, instances: ReadonlyArray<InstanceId>) =>
      instances.length === 0
        ? Effect.succeed([])
        : client.ask("waits", async () =>
            (await commands.hmget(`${keyOf(run)}:p`, ...instances.map(fieldOf))).map(Wire.toWaits)
          )

    const state = (run: string) =>
      client.ask("state", async () => Wire.toState(run, await evaluate("state", run, [])) ?? goneState(run))

    /** One run that cannot be read must not hide the others: it goes when it expires. */
    const readable = (run: string) =>
      Effect.catch(state(run), (error) =>
        error.reason === "corrupt" ? Effect.succeed(goneState(run)) : Effect.fail(error)
      )

    /** The ids of all runs. Looks through all keys: for people and tests. */
    const ids = client.ask("runs", async () => {
      const found: Array<string> = []
      const prefixed = `${prefix}:{`
      const pattern = `${prefix.replace(/[*?[\]\\]/g, "\\$&")}:{*}:s`
      for (const node of client.masters()) {
        for await (const keys of node.scanStream({ match: pattern, count: 1000, type: "hash" })) {
          for (const key of keys as ReadonlyArray<string>)
            found.push(key.slice(prefixed.length, -"}:s".length))
        }
      }
      return [...new Set(found)]
    })

    const usageOf = (run: string) =>
      client.ask("usage", async () => {
        const key = keyOf(run)
        const counts = await Promise.all([
          commands.hlen(`${key}:p`),
          commands.hlen(`${key}:v`),
          commands.zcard(`${key}:l`)
        ])
        return counts.reduce((sum, count) => sum + count, 1)
      })

    return Coordination.of({
      inlineBytes: client.options.inlineBytes ?? INLINE_BYTES,
      begin,
      load,
      complete,
      keep,
      adopt: (run, worker, instances, incarnation = "", from = "") =>
        ask("adopt", run, [worker, JSON.stringify(instances.map(fieldOf)), incarnation, from]),
      renew: (run, workers, taker) => ask("renew", run, [taker ?? "", ...workers]),
      attach: (run, worker, incarnation) =>
        client.ask("attach", async () => {
          const answer = await evaluate("attach", run, [worker, incarnation])
          return answer === null ? undefined : Wire.toReply(answer)
        }),
      detach: (run, worker, incarnation) => ask("detach", run, [worker, incarnation]),
      abandon: (run, workers, taker, reason) => ask("abandon", run, [taker, reason, ...workers]),
      fail: (run, failure) => Effect.asVoid(act("fail", run, Wire.fromFailure(failure))),
      cancel: (run, reason) => Effect.asVoid(act("cancel", run, [reason])),
      read,
      waits,
      state,
      runs: Effect.flatMap(ids, (found) =>
        Effect.map(Effect.forEach(found, readable, { concurrency: 64 }), (states) =>
          states.filter(({ status }) => status !== "gone")
        )
      ),
      remove: (run) => Effect.asVoid(act("remove", run, [])),
      usage: Effect.flatMap(ids, (found) =>
        Effect.map(Effect.forEach(found, usageOf, { concurrency: 64 }), (counts) =>
          counts.reduce((sum, count) => sum + count, 0)
        )
      ),
      publish: (run, channel, message) => Effect.asVoid(act("publish", run, [channel, fromMessage(message)])),
      subscribe: (run, channel, listener: (message: Message) => void) =>
        channels.subscribe(channelOf(keyOf(run), channel), listener)
    })
  })
)

/** As the scripts have it. The client's is the one that every run has. */
const channelOf = (key: string, channel: string) => `${key}:c:${channel}`
