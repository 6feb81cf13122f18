/** The life of an environment: initialisation, invocations with frozen time between them, the end. */
import { availableParallelism } from "node:os"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { Confinement } from "./Confinement.ts"
import { FunctionProcess, type ProcessOptions } from "./FunctionProcess.ts"
import type { Done, Outcome, Request } from "./Invocation.ts"
import { exited, outOfMemory, type Exit as ProcessExit, timedOut, timedOutLine } from "./Outcome.ts"
import type { Output } from "./Output.ts"
import type { RuntimeApi } from "./RuntimeApi.ts"
import type { EnvironmentSettings } from "./Settings.ts"

const INIT_LIMIT_MS = 10_000

/**
 * How many processes may start at the same moment. With more, all would be late: those that must wait for a CPU would
 * use up the time that their functions have to initialise.
 */
const starting = Semaphore.makeUnsafe(3 * availableParallelism())
/** How often it is looked whether a process that starts waits for something else than a CPU: then others may start, in ms. */
const LOOKED_AT_MS = 150

/** How long what a process has sent before its end is waited for, in ms. */
const LAST_BREATH_MS = 500

export interface InstanceParts {
  readonly id: string
  readonly logStreamName: string
  readonly settings: EnvironmentSettings
  readonly api: RuntimeApi
  readonly confinement: Confinement
  readonly output: Output
  readonly process: ProcessOptions
}

interface Init {
  readonly ms: number
  /** Otherwise it is repeated within the first invocation. */
  readonly isReady: boolean
}

export class Instance {
  readonly id: string
  readonly logStreamName: string
  readonly #parts: InstanceParts
  readonly #init = Deferred.makeUnsafe<Init>()
  readonly #ended = Deferred.makeUnsafe<string>()
  #scope: Scope.Closeable | undefined
  #initialising: Fiber.Fiber<Init> | undefined
  #process: FunctionProcess | undefined
  #isEnding = false
  #isBusy = false
  #isCold = true
  #peakMiB = 0

  constructor(parts: InstanceParts) {
    this.id = parts.id
    this.logStreamName = parts.logStreamName
    this.#parts = parts
  }

  get isUsable(): boolean {
    return !this.#isEnding
  }

  get ended(): Effect.Effect<string> {
    return Deferred.await(this.#ended)
  }

  /** @param scope closed at the end: it has the environment's parts */
  begin(scope: Scope.Closeable): Effect.Effect<void> {
    this.#scope = scope
    const init = Effect.interruptible(this.#initialise()).pipe(
      Effect.onExit((exit) =>
        Deferred.succeed(this.#init, Exit.isSuccess(exit) ? exit.value : { ms: 0, isReady: false })
      )
    )
    return Effect.map(Effect.forkIn(init, scope, { startImmediately: true }), (fiber) => {
      this.#initialising = fiber
    })
  }

  invoke(request: Request): Effect.Effect<Done> {
    return Effect.suspend(() => {
      if (this.#isBusy) return Effect.die(new Error(`Environment ${this.id} serves an invocation already.`))
      this.#isBusy = true
      return this.#serve(request)
    }).pipe(Effect.onInterrupt(() => this.end("its invocation was interrupted")))
  }

  end(reason: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.#isEnding) return Effect.asVoid(this.ended)
      this.#isEnding = true
      return Effect.gen({ self: this }, function* () {
        if (this.#initialising !== undefined) yield* Fiber.interrupt(this.#initialising)
        this.#process?.signal("SIGKILL")
        if (this.#process !== undefined) yield* this.#process.exited
        yield* Scope.close(this.#scope!, Exit.void)
        yield* Deferred.succeed(this.#ended, reason)
      })
    }).pipe(Effect.uninterruptible)
  }

  #initialise = Effect.fnUntraced(function* (this: Instance) {
    const { coldStartMs = 0, initLimitMs = INIT_LIMIT_MS } = this.#parts.settings
    yield* Effect.sleep(coldStartMs)
    const { begun, process } = yield* starting.withPermits(1)(
      Effect.gen({ self: this }, function* () {
        const begun = performance.now()
        const process = this.#launch()
        yield* Effect.raceFirst(
          this.#isReady(process),
          Effect.timeoutOption(this.#isWaiting(process), initLimitMs)
        )
        return { begun, process }
      })
    )
    const left = Math.max(0, initLimitMs - (performance.now() - begun))
    const isReady = yield* Effect.raceFirst(this.#isReady(process), Effect.as(Effect.sleep(left), false))
    const ms = coldStartMs + performance.now() - begun
    this.#parts.confinement.slowDown()
    if (isReady) {
      if (!this.#isBusy) process.freeze()
    } else {
      process.signal("SIGKILL")
      yield* process.exited
    }
    return { ms, isReady }
  })

  /** Resolves when the process has used no CPU for a while, and does not ask for any. */
  #isWaiting = Effect.fnUntraced(function* (this: Instance, process: FunctionProcess) {
    let before: number | undefined
    while (true) {
      yield* Effect.sleep(LOOKED_AT_MS)
      const now = process.activity
      if (now === undefined || (!now.isRunnable && now.ticks === before)) return
      before = now.ticks
    }
  })

  /** Whether it has asked for an invocation; if not it has ended. */
  #isReady(process: FunctionProcess): Effect.Effect<boolean> {
    return Effect.raceFirst(Effect.as(this.#parts.api.asked, true), Effect.as(process.exited, false))
  }

  #launch(): FunctionProcess {
    const { api, process: options } = this.#parts
    api.reset()
    const process = new FunctionProcess(options)
    this.#process = process
    const watch = Effect.flatMap(process.exited, () =>
      // Whoever serves, or initialises, sees it.
      Effect.suspend(() =>
        this.#isBusy || this.#process !== process || !Deferred.isDoneUnsafe(this.#init)
          ? Effect.void
          : this.end("its process ended")
      )
    )
    Effect.runFork(watch)
    return process
  }

  #serve = Effect.fnUntraced(function* (this: Instance, request: Request) {
    const { output, settings } = this.#parts
    const init = yield* Deferred.await(this.#init)
    const initMs = this.#isCold ? init.ms : undefined
    const begun = performance.now()
    const served: { outcome?: Outcome } = {}
    const isUsable = yield* Effect.raceFirst(
      this.#run(request, this.#isCold && !init.isReady, Date.now() + settings.timeoutMs, served),
      Effect.as(Effect.sleep(settings.timeoutMs), false)
    )
    this.#isCold = false
    const durationMs = performance.now() - begun
    const process = this.#process
    if (isUsable) process?.freeze()
    this.#peakMiB = Math.max(this.#peakMiB, process?.peakMiB ?? 0)
    if (!isUsable) {
      // Its last words belong to this invocation.
      process?.signal("SIGKILL")
      if (process !== undefined) yield* process.exited
    }
    // What it printed is here already, but not read.
    yield* Effect.promise(() => new Promise((resume) => setImmediate(resume)))
    if (served.outcome === undefined) output.add(timedOutLine(request.id, settings.timeoutMs))
    const outcome = served.outcome ?? timedOut(request.id, settings.timeoutMs)
    if (outcome.type === "error" && outcome.errorType === "Runtime.OutOfMemory")
      this.#peakMiB = settings.memoryMiB
    this.#isBusy = false
    const done: Done = {
      outcome,
      durationMs,
      initMs,
      maxMemoryMiB: Math.min(Math.ceil(this.#peakMiB), settings.memoryMiB),
      log: output.take(),
      isUsable: isUsable && !this.#isEnding
    }
    if (!isUsable)
      Effect.runFork(this.end(outcome.type === "error" ? outcome.errorType : "its process ended"))
    return done
  })

  /** Tells whether the environment can serve again. What came of the invocation is in `served`, as soon as it is known. */
  #run = Effect.fnUntraced(function* (
    this: Instance,
    request: Request,
    isRepeated: boolean,
    deadlineMs: number,
    served: { outcome?: Outcome }
  ) {
    const { api } = this.#parts
    const process = isRepeated && !this.#isEnding ? this.#launch() : this.#process
    if (process === undefined) {
      served.outcome = exited(request.id, { code: null, signal: "SIGKILL" })
      return false
    }
    if (isRepeated && !(yield* this.#isReady(process))) {
      const exit = yield* process.exited
      served.outcome = api.initError ?? this.#outcomeOf(request, exit)
      return false
    }
    process.resume()
    const outcome = api.deliver(request, deadlineMs)
    served.outcome = yield* Effect.raceFirst(
      Deferred.await(outcome),
      process.exited.pipe(
        // It may have answered with its last breath.
        Effect.tap(Effect.timeoutOption(api.quiet, LAST_BREATH_MS)),
        Effect.map((exit) => this.#outcomeOf(request, exit))
      )
    )
    return yield* this.#isReady(process)
  })

  #outcomeOf(request: Request, exit: ProcessExit): Outcome {
    return this.#parts.confinement.isOutOfMemory() ? outOfMemory(request.id) : exited(request.id, exit)
  }
}
