/**
 * What runs in each of the engine's threads: imports the workflow's module once, and runs the workers that the main
 * thread sends.
 */
import { parentPort, workerData } from "node:worker_threads"
import { GraphCodec, Plan } from "@weft/core"
import { Coordination, ObjectStore, type StoreError } from "@weft/storage"
import { Cause, Effect, Fiber } from "effect"
import { Host, type Invoker } from "../../Engine.ts"
import type { Invocation } from "../../Invocation.ts"
import { RunContext } from "../../RunContext.ts"
import { captureConsole, captureStreams } from "../../TaskContext.ts"
import * as TaskModule from "../../TaskModule.ts"
import * as Worker from "../../Worker.ts"
import type { ThreadSettings } from "./Pool.ts"
import { type FromThread, portableInvocation, type ToThread, transferOf } from "./Protocol.ts"
import { Remote } from "./Remote.ts"

const port = parentPort
if (port === null) throw new Error('this module is the entry of a worker thread of the engine "threads"')

const settings = workerData as ThreadSettings
const post = (message: FromThread) => port.postMessage(message, transferOf(message))
const remote = new Remote(post)
const contexts = new Map<string, Promise<RunContext | undefined>>()
const workers = new Map<string, Set<Fiber.Fiber<void>>>()
let guards = 0

const emitWarning = process.emitWarning
process.emitWarning = (...args: ReadonlyArray<unknown>) => {
  // What Node says of a package.json without "type" the main thread has said, once.
  if (JSON.stringify(args[1])?.includes("MODULE_TYPELESS_PACKAGE_JSON")) return
  Reflect.apply(emitWarning, process, args)
}

captureConsole()
captureStreams()

const load = Effect.fnUntraced(function* (
  run: string
): Effect.fn.Return<RunContext | undefined, TaskModule.ModuleError | StoreError> {
  const document = yield* remote.coordination.load(run)
  if (document === undefined) return undefined
  const { tasks } = yield* TaskModule.load(document.module)
  const behaviours = yield* Effect.forEach(document.behaviours, ({ annotation, module }) =>
    TaskModule.loadBehaviour(module, annotation)
  )
  return yield* Effect.try({
    try: () =>
      new RunContext({
        run,
        graph: GraphCodec.decode(document.graph),
        plan: Plan.decode(document.plan),
        tasks,
        behaviours
      }),
    catch: (cause) =>
      new TaskModule.ModuleError({
        file: TaskModule.fileOf(document.module),
        reason: `the run cannot be read with it: ${cause instanceof Error ? cause.message : String(cause)}`,
        cause
      })
  })
})

const contextOf = (run: string): Promise<RunContext | undefined> => {
  const known = contexts.get(run)
  if (known !== undefined) return known
  const loading = Effect.runPromise(load(run))
  contexts.set(run, loading)
  // The next worker may be luckier.
  loading.catch(() => contexts.delete(run))
  return loading
}

const hostOf = (run: string, place: number): Host["Service"] =>
  Host.of({
    idle: (waiting) =>
      Effect.suspend(() => {
        post({ type: "idle", place })
        return Effect.ensuring(
          waiting,
          Effect.sync(() => post({ type: "busy", place }))
        )
      }),
    guard: (worker, instance, task, ms) => {
      const guard = guards++
      post({ type: "guard", guard, run, worker, instance, task, ms })
      return () => post({ type: "release", guard })
    }
  })

const life = Effect.fnUntraced(function* (invocation: Invocation, place: number) {
  const { run } = invocation
  const context = yield* Effect.tryPromise({
    try: () => contextOf(run),
    catch: (error) => error as TaskModule.ModuleError
  })
  if (context === undefined) return
  const invoker: Invoker = {
    ...settings,
    payloadBytes: Number.POSITIVE_INFINITY,
    invoke: (invocations) =>
      Effect.sync(() => post({ type: "invoke", run, invocations: invocations.map(portableInvocation) }))
  }
  yield* Worker.run(context, invocation, invoker).pipe(Effect.provideService(Host, hostOf(run, place)))
})

const invoke = (invocation: Invocation, place: number) => {
  const { run } = invocation
  const running = workers.get(run) ?? new Set()
  workers.set(run, running)
  const fiber = Effect.runFork(
    life(invocation, place).pipe(
      Effect.provideService(Coordination, remote.coordination),
      Effect.provideService(ObjectStore, remote.objects),
      Effect.catchTag("ModuleError", (error) => unusable(invocation, error)),
      Effect.matchCause({
        onSuccess: () => undefined,
        onFailure: (cause) => (Cause.hasInterruptsOnly(cause) ? undefined : Cause.pretty(cause))
      }),
      Effect.flatMap((fault) => Effect.sync(() => post({ type: "left", place, fault })))
    )
  )
  running.add(fiber)
  fiber.addObserver(() => running.delete(fiber))
}

/** A module that cannot be imported here fails the run: no other thread could do better. */
const unusable = ({ run, work, worker }: Invocation, error: TaskModule.ModuleError) =>
  remote.coordination.fail(run, {
    instance: work[0]?.instance ?? 0,
    kind: "missing",
    worker,
    attempts: 1,
    message: error.message
  })

const close = async (run: string) => {
  const running = [...(workers.get(run) ?? [])]
  await Effect.runPromise(Fiber.interruptAll(running))
  workers.delete(run)
  contexts.delete(run)
  post({ type: "closed", run })
}

port.on("message", (message: ToThread) => {
  if (remote.receive(message)) return
  if (message.type === "invoke") invoke(message.invocation, message.place)
  else if (message.type === "ping") post({ type: "pong", guard: message.guard })
  else if (message.type === "close") void close(message.run)
})
