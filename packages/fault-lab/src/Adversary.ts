/**
 * The adversary: decides what goes wrong, where and when.
 *
 * What it does is a list of faults, each at the n-th occasion of its kind or at a moment, so that a failing run can be
 * made smaller by leaving some out; and rates, for trouble that does not end.
 */
import type { Process, World } from "@weft/worker/virtual"

/** What may go wrong with a call of a store. */
export type CallFault =
  /** It fails, and has not taken effect. */
  | "lose-request"
  /** It fails, and has taken effect. */
  | "lose-answer"
  /** It fails, and takes effect later. */
  | "late-request"
  /** It takes effect twice: the caller gets the second answer. */
  | "double-call"
  /** It takes long. */
  | "slow-call"
  /** The caller dies before it takes effect, or after that. */
  | "crash-before"
  | "crash-after"

export type InvocationFault =
  | "lose-invocation"
  | "double-invocation"
  | "slow-invocation"
  | "refuse-invocation"
export type MessageFault = "lose-message" | "double-message" | "slow-message"
/** What happens to one process at a moment, or to many. */
export type TimeFault =
  | "crash"
  | "stall"
  | "cut"
  | "crash-all-workers"
  | "crash-client"
  | "crash-everything"
  | "store-away"
  | "false-alarm"
  | "second-client"
export type TaskFault = "crash-in-task" | "stall-in-task"

export type FaultKind = CallFault | InvocationFault | MessageFault | TimeFault | TaskFault

export const callFaults: ReadonlyArray<CallFault> = [
  "lose-request",
  "lose-answer",
  "late-request",
  "double-call",
  "slow-call",
  "crash-before",
  "crash-after"
]
export const invocationFaults: ReadonlyArray<InvocationFault> = [
  "lose-invocation",
  "double-invocation",
  "slow-invocation",
  "refuse-invocation"
]
export const messageFaults: ReadonlyArray<MessageFault> = ["lose-message", "double-message", "slow-message"]
export const timeFaults: ReadonlyArray<TimeFault> = [
  "crash",
  "stall",
  "cut",
  "crash-all-workers",
  "crash-client",
  "crash-everything",
  "store-away",
  "false-alarm",
  "second-client"
]
export const taskFaults: ReadonlyArray<TaskFault> = ["crash-in-task", "stall-in-task"]

export interface Fault {
  readonly kind: FaultKind
  /** Which call, invocation, message or task it is about, from 0; or at what time, as the root of 1/20 of a ms. */
  readonly at: number
  /** Which of the processes there are. */
  readonly victim: number
  /** How long it lasts, in ms. */
  readonly forMs: number
}

/** How probable it is that a call, invocation or message is lost, doubled or late; from 0 to 1. */
export interface Rates {
  readonly calls: number
  readonly invocations: number
  readonly messages: number
}

export interface Mischief {
  readonly faults: ReadonlyArray<Fault>
  readonly rates: Rates
}

/** Whom the adversary can get at. */
export interface Victims {
  readonly workers: () => ReadonlyArray<Process>
  readonly clients: () => ReadonlyArray<Process>
  /** Has another client attach while there is one. */
  readonly secondClient: () => void
  /** Has a process taken for dead that lives. */
  readonly falseAlarm: (process: Process) => void
}

const CALL_TROUBLE = ["lose-request", "lose-answer", "late-request", "double-call", "slow-call"] as const
const INVOCATION_TROUBLE = ["lose-invocation", "double-invocation", "slow-invocation"] as const

export class Adversary {
  /** How often each fault was done. */
  readonly done = new Map<FaultKind, number>()
  /** Until when nobody reaches the stores, in ms. */
  awayUntil = 0
  /** Whether it may do anything more. */
  isActive = true
  /** Whether it may kill the client. */
  sparesClient = false
  private readonly world: World
  private readonly rates: Rates
  private readonly victims: Victims
  private readonly planned: Readonly<Record<"call" | "invocation" | "message" | "task", Map<number, Fault>>>
  private calls = 0
  private invocations = 0
  private messages = 0
  private tasks = 0

  constructor(world: World, { faults, rates }: Mischief, victims: Victims) {
    this.world = world
    this.rates = rates
    this.victims = victims
    const only = (kinds: ReadonlyArray<FaultKind>) =>
      new Map(faults.filter(({ kind }) => kinds.includes(kind)).map((fault) => [fault.at, fault]))
    this.planned = {
      call: only(callFaults),
      invocation: only(invocationFaults),
      message: only(messageFaults),
      task: only(taskFaults)
    }
    for (const fault of faults) {
      if (timeFaults.includes(fault.kind as TimeFault))
        world.after(fault.at ** 2 / 20, () => this.strike(fault))
    }
  }

  /** How many faults were done. */
  get count(): number {
    return this.done.values().reduce((sum, count) => sum + count, 0)
  }

  onCall(): Fault | undefined {
    return this.decide(this.planned.call.get(this.calls++), this.rates.calls, CALL_TROUBLE)
  }

  onInvocation(): Fault | undefined {
    const planned = this.planned.invocation.get(this.invocations++)
    return this.decide(planned, this.rates.invocations, INVOCATION_TROUBLE)
  }

  onMessage(): Fault | undefined {
    return this.decide(this.planned.message.get(this.messages++), this.rates.messages, messageFaults)
  }

  onTask(): Fault | undefined {
    return this.decide(this.planned.task.get(this.tasks++), 0, taskFaults)
  }

  /** Whether the process may be killed now. */
  mayKill(process: Process): boolean {
    return !(this.sparesClient && this.victims.clients().includes(process))
  }

  private decide(
    planned: Fault | undefined,
    rate: number,
    trouble: ReadonlyArray<FaultKind>
  ): Fault | undefined {
    if (!this.isActive) return
    let fault = planned
    if (fault === undefined && rate > 0 && this.world.random() < rate) {
      const kind = trouble[this.world.choose(trouble.length)]!
      fault = { kind, at: 0, victim: 0, forMs: this.world.choose(500) }
    }
    if (fault !== undefined) this.note(fault.kind)
    return fault
  }

  private note(kind: FaultKind) {
    this.done.set(kind, (this.done.get(kind) ?? 0) + 1)
  }

  private strike({ forMs, kind, victim }: Fault) {
    if (!this.isActive) return
    const workers = this.victims.workers()
    const clients = this.victims.clients()
    const all = [...workers, ...clients]
    const one = all[victim % Math.max(1, all.length)]
    const kill = (processes: ReadonlyArray<Process>) => {
      for (const process of processes) if (this.mayKill(process)) process.crash()
    }
    this.world.note(() => `fault: ${kind}`)
    this.note(kind)
    switch (kind) {
      case "crash":
        if (workers.length > 0) kill([workers[victim % workers.length]!])
        break
      case "stall":
        one?.stall(forMs)
        break
      case "cut":
        one?.cut(forMs)
        break
      case "crash-all-workers":
        kill(workers)
        break
      case "crash-client":
        kill(clients)
        break
      case "crash-everything":
        kill(all)
        break
      case "store-away":
        this.awayUntil = this.world.now + forMs
        break
      case "false-alarm":
        if (workers.length > 0) this.victims.falseAlarm(workers[victim % workers.length]!)
        break
      case "second-client":
        this.victims.secondClient()
        break
      default:
        throw new Error(`${kind} is not for a moment`)
    }
  }
}
