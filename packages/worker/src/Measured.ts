/**
 * What is measured of one worker, if anything: its calls of the stores and of the engine, and the nodes that it runs.
 */
import { Instance, type InstanceId } from "@weft/core"
import type { Life, Read, Recording } from "@weft/metrics/recording"
import type { Coordination, Kept, Measure, ObjectStore, Reply, StoreError } from "@weft/storage"
import * as Effect from "effect/Effect"
import type { Host, Invoker } from "./Engine.ts"
import type { Invocation } from "./Invocation.ts"
import type { RunContext } from "./RunContext.ts"
import type { Timing } from "./Timing.ts"

/** What a worker is measured with. */
interface Parts {
  readonly context: RunContext
  readonly invocation: Invocation
  readonly invoker: Invoker
  readonly host: Host["Service"]
  readonly timing: Timing
}

/** How long a call has to take for the processor's clock to say anything of it, in ms. */
const SHORT_MS = 1

/** What takes long enough to encode for that to be measured. */
const LARGE_BYTES = 4096

export class Measured {
  private readonly life: Life
  private readonly recording: Recording
  private readonly timing: Timing
  private readonly context: RunContext
  /** Whose value is being published: that it is encoded then is measured with the node. */
  publishing: InstanceId | undefined

  constructor({ context, host, invocation, invoker, timing }: Parts, recording: Recording) {
    const { named, sentAt, worker } = invocation
    this.context = context
    this.recording = recording
    this.timing = timing
    this.life = recording.recorder.begin({
      worker,
      named,
      memory: invoker.memoryMiB,
      sentAt,
      beganAt: host.started?.at ?? timing.now(),
      cold: host.started?.cold,
      loadMs: host.started?.loadMs ?? 0
    })
  }

  /** A call begins to execute: the processor's time now, if it is worth knowing; in µs. */
  executing(node: number): NodeJS.CpuUsage | undefined {
    this.recording.recorder.executions++
    return this.context.durations.isLong(node) ? process.threadCpuUsage() : undefined
  }

  /**
   * How long the processor was busy since then, in ms; NaN if that is not known.
   *
   * @param waited whether other workers of this thread may have run meanwhile
   */
  processorMs(since: NodeJS.CpuUsage | undefined, waited: boolean): number {
    if (since === undefined || (waited && this.recording.recorder.active > 1)) return Number.NaN
    const { system, user } = process.threadCpuUsage(since)
    return (system + user) / 1000
  }

  /**
   * A node is complete but for being told.
   *
   * @param waited whether publishing took more than encoding something
   */
  node(
    instance: InstanceId,
    attempt: number,
    measure: Measure,
    read: Read | undefined,
    processorMs: number,
    waited: boolean
  ): void {
    this.publishing = undefined
    // Looking at the clock takes as long as encoding what is small.
    const isLong = waited || measure.outputBytes >= LARGE_BYTES
    const publishMs = isLong ? this.timing.now() - measure.startedAt - measure.executionMs : 0
    const busyMs = measure.executionMs < SHORT_MS ? Number.NaN : processorMs
    this.life.node(instance, attempt, measure, read, busyMs, Math.max(0, publishMs))
    this.recording.recorded()
  }

  /** A list was opened. */
  opened(instance: InstanceId, width: number): void {
    this.recording.recorder.opened(instance, width)
  }

  /** A value was encoded: if that was not to publish it, its size is not known yet. */
  readonly encoded = (instance: InstanceId, bytes: number): void => {
    if (instance === this.publishing) return
    if (this.context.graph.kind(Instance.nodeOf(instance)) !== "item") this.life.encoded(instance, bytes)
  }

  /** What comes before coordination is told that nodes are complete, if anything does. */
  get beforeTelling(): Effect.Effect<void> | undefined {
    return this.recording.beforeTelling
  }

  /** The worker has ended. */
  end(): void {
    this.life.end(this.timing.now())
    this.recording.stopped()
  }

  /** Sends invocations with the time at which that is done. */
  invoker(invoker: Invoker): Invoker {
    const { life, recording, timing } = this
    const { prewarm } = invoker
    return {
      ...invoker,
      invoke: (invocations) =>
        Effect.suspend(() => {
          const sentAt = timing.now()
          const stamped = stamp(invocations, recording.recorder.clock.at(sentAt))
          return Effect.map(invoker.invoke(stamped), () => {
            life.invoked(invocations.length, timing.now() - sentAt)
          })
        }),
      ...(prewarm === undefined
        ? {}
        : {
            prewarm: (memoryMiB, workers) =>
              Effect.suspend(() => {
                life.prewarmed += workers
                return prewarm(memoryMiB, workers)
              })
          })
    }
  }

  /** The same calls, measured. */
  coordination(store: Coordination["Service"]): Coordination["Service"] {
    const { life } = this
    const { clock } = this.recording.recorder
    const gave = (reply: Reply | undefined) => {
      if (reply === undefined) return
      for (const { inputs } of reply.ready) for (const [, bytes] of inputs) life.bytesRead += bytes.length
    }
    const heard = (reply: Reply | undefined, calledAt: number, answeredAt: number) => {
      if (reply !== undefined) clock.heard(calledAt, answeredAt, reply.now)
    }
    const completed = (reply: Reply) => {
      gave(reply)
      if (reply.status === "running") life.refused(reply.refused)
    }
    const replied = <A extends Reply | undefined>(call: Effect.Effect<A, StoreError>) =>
      this.called(call, gave, heard)
    const wrote = (values: ReadonlyArray<Kept>) => {
      for (const { value } of values) if (value !== "object") life.bytesWritten += value.length
    }
    return {
      ...store,
      complete: (run, worker, completions) => {
        for (const { keep } of completions) wrote(keep)
        return this.called(store.complete(run, worker, completions), completed, heard)
      },
      keep: (run, worker, values) => {
        wrote(values)
        return replied(store.keep(run, worker, values))
      },
      adopt: (...args) => replied(store.adopt(...args)),
      attach: (...args) => replied(store.attach(...args)),
      detach: (...args) => replied(store.detach(...args)),
      waits: (...args) => this.called(store.waits(...args), () => {}),
      read: (run, instances) =>
        this.called(store.read(run, instances), (values) => {
          for (const value of values) if (value instanceof Uint8Array) life.bytesRead += value.length
        })
    }
  }

  /** The same calls, counted. */
  objects(store: ObjectStore["Service"]): ObjectStore["Service"] {
    const { life } = this
    return {
      ...store,
      put: (run, key, bytes) => {
        life.bytesWritten += bytes.length
        life.roundTrips++
        return store.put(run, key, bytes)
      },
      get: (run, keys) => {
        life.roundTrips++
        return Effect.map(store.get(run, keys), (values) => {
          for (const value of values) life.bytesRead += value?.length ?? 0
          return values
        })
      }
    }
  }

  private called<A>(
    call: Effect.Effect<A, StoreError>,
    counted: (answer: A) => void,
    timed: (answer: A, calledAt: number, answeredAt: number) => void = () => {}
  ): Effect.Effect<A, StoreError> {
    const { life, timing } = this
    const { recorder } = this.recording
    const answered = (answer: A) => {
      life.roundTrips++
      counted(answer)
      return answer
    }
    if (!recorder.isTiming()) return Effect.map(call, answered)
    return Effect.suspend(() => {
      const { executions } = recorder
      const calledAt = timing.now()
      return Effect.map(call, (answer) => {
        const answeredAt = timing.now()
        // Else the answer may have waited for a task to let go of the thread, and nobody for the answer.
        if (recorder.executions === executions) life.callTook(answeredAt - calledAt)
        timed(answer, calledAt, answeredAt)
        return answered(answer)
      })
    })
  }
}

/** Invocations that are sent at a moment. Those of others further down the tree are sent later. */
export const stamp = (invocations: ReadonlyArray<Invocation>, sentAt: number): ReadonlyArray<Invocation> =>
  invocations.map((invocation) => ({ ...invocation, sentAt }))
