/** What the scripts are told and answer, as TypeScript knows it. */
import { Failure, type InstanceId } from "@weft/core"
import type { Completion, Kept, Ready, Reply, RunState, RunStatus, StoredValue } from "@weft/storage"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Unreadable } from "./Errors.ts"
import { fieldOf, toId } from "./Ids.ts"
import { noticeOf } from "./Messages.ts"

type Json = number | string | ReadonlyArray<Json>

/** Arguments of a script: who speaks, JSON, and the bytes that it refers to by their place. */
export class Arguments {
  /** What follows the base key. */
  readonly list: Array<string | Buffer>

  constructor(worker: string) {
    this.list = [worker, ""]
  }

  set json(value: Json) {
    this.list[1] = JSON.stringify(value)
  }

  /** Values to keep: instance, readers, where its bytes are. */
  keep(values: ReadonlyArray<Kept>): ReadonlyArray<Json> {
    return values.flatMap((kept) => this.kept(kept))
  }

  private kept({ instance, readers, value }: Kept): [string, number, number] {
    return [fieldOf(instance), readers, value === "object" ? 0 : this.list.push(bufferOf(value))]
  }

  /** What `complete.lua` is told, in columns: what concerns an instance has its place among them, from 1. */
  completions(completions: ReadonlyArray<Completion>): ReadonlyArray<Json> {
    const ids: Array<string> = []
    const notices: Array<string> = []
    const keeps: Array<Json> = []
    const stepped: Array<Json> = []
    const released: Array<Json> = []
    for (const { instance, keep, measure, releases, steps } of completions) {
      const place = ids.push(fieldOf(instance))
      notices.push(noticeOf(instance, measure))
      for (const kept of keep) keeps.push(place, ...this.kept(kept))
      for (let i = 0; i < steps.length; ) i = groupSteps(place, steps, i, stepped)
      for (const { delta, value } of releases) released.push(place, fieldOf(value), delta)
    }
    const added = completions.some(({ added }) => added !== 0) ? completions.map(({ added }) => added) : 0
    return [ids, notices, added, keeps, stepped, released]
  }
}

/** Says those steps from `from` on together that differ in their instance only. Returns where the next ones begin. */
const groupSteps = (place: number, steps: Completion["steps"], from: number, said: Array<Json>): number => {
  const { delta, inputs, need, worker } = steps[from]!
  const wanted = inputs === undefined || inputs.length === 0 ? 0 : inputs.map(fieldOf)
  const count = said.push(place, need, delta, worker ?? 0, wanted, 0) - 1
  let to = from
  for (; to < steps.length; to++) {
    const step = steps[to]!
    const isAlike = step.need === need && step.delta === delta && step.worker === worker
    if (to > from && !(isAlike && wanted === 0 && (step.inputs?.length ?? 0) === 0)) break
    said.push(fieldOf(step.instance))
  }
  said[count] = to - from
  return to
}

/** How scripts mark a value whose bytes are in the object store. */
const OBJECT = Buffer.from("\xffobject", "latin1")

/** A value as it is stored. */
export const toStored = (value: Buffer | null): StoredValue | undefined =>
  value === null ? undefined : value.equals(OBJECT) ? "object" : value

/** For how many completions an instance waits, by its progress: see `run.lua`. */
export const toWaits = (progress: string | null): number | undefined =>
  progress === null || !/^\d/.test(progress) ? undefined : Number(progress)

/** The same bytes, not copied. */
export const bufferOf = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** What Redis answers, with strings as bytes. */
export type Answer = null | number | Buffer | ReadonlyArray<Answer>

/** A list that a script answered. */
export const listOf = (answer: Answer | undefined): ReadonlyArray<Answer> => {
  if (Array.isArray(answer)) return answer
  throw new Unreadable(`a script answered ${String(answer)} in place of a list`)
}

const textOf = (answer: Answer | undefined): string => String(answer)

const idsOf = (answer: Answer | undefined): ReadonlyArray<InstanceId> =>
  listOf(answer).map((one) => toId(textOf(one)))

const STATUSES: ReadonlySet<string> = new Set<RunStatus>([
  "running",
  "succeeded",
  "failed",
  "cancelled",
  "gone"
])

const statusOf = (answer: Answer | undefined, run = "the run"): RunStatus => {
  const status = textOf(answer)
  if (STATUSES.has(status)) return status as RunStatus
  throw new Unreadable(`what is kept of ${run} cannot be read: its status is "${status}"`)
}

/** A script's answer (see `reply` in `lua/run-reply.lua`). */
export const toReply = (answer: Answer): Reply => {
  const [now, status, plain, special, inputs, invoke, refused, dropped] = listOf(answer)
  const bytes = new Map<string, Buffer>()
  const given = listOf(inputs)
  for (let i = 0; i < given.length; i += 2) bytes.set(textOf(given[i]), given[i + 1] as Buffer)
  return {
    now: Number(now),
    status: statusOf(status),
    ready: [
      ...listOf(special).map((one): Ready => {
        const [instance, attempt, wanted] = listOf(one)
        const found: Array<readonly [InstanceId, Uint8Array]> = []
        for (const input of listOf(wanted)) {
          const value = bytes.get(textOf(input))
          if (value !== undefined) found.push([toId(textOf(input)), value])
        }
        return { instance: toId(textOf(instance)), attempt: Number(attempt), inputs: found }
      }),
      ...listOf(plain).map((one): Ready => ({ instance: toId(textOf(one)), attempt: 1, inputs: [] }))
    ],
    invoke: listOf(invoke).map(textOf),
    refused: idsOf(refused),
    dropped: idsOf(dropped)
  }
}

const FailureJson = Schema.fromJsonString(Failure.Failure)
const decodeFailure = Schema.decodeUnknownOption(FailureJson)

/** A failure as it is stored, and what tells it from others. */
export const fromFailure = (failure: Failure.Failure): readonly [identity: string, json: string] => {
  const instance = fieldOf(failure.instance)
  const identity = JSON.stringify([instance, failure.worker, failure.attempts, failure.kind])
  return [identity, JSON.stringify({ ...failure, instance })]
}

/** Failures in the order in which they were recorded: each is stored behind its number, of six digits. */
const toFailures = (texts: ReadonlyArray<string>): ReadonlyArray<Failure.Failure> =>
  texts.toSorted().flatMap((text) => {
    const failure = Option.getOrUndefined(decodeFailure(text.slice(6)))
    return failure === undefined ? [] : [{ ...failure, instance: toId(String(failure.instance)) }]
  })

const numberOf = (run: string, field: string, answer: Answer | undefined): number => {
  const text = textOf(answer)
  const number = text === "inf" ? Number.POSITIVE_INFINITY : Number(text)
  if (!Number.isNaN(number)) return number
  throw new Unreadable(`what is kept of ${run} cannot be read: its ${field} is "${text}"`)
}

/** The state of a run; `undefined` if it is gone. */
export const toState = (run: string, answer: Answer): RunState | undefined => {
  const [status, workflow, begunAt, endedAt, clock, lease, completed, instances, reason, recorded] =
    listOf(answer)
  if (status === undefined) return undefined
  const whose = `run ${run}`
  const texts = listOf(recorded).map(textOf)
  const failures = toFailures(texts)
  return {
    run,
    workflow: textOf(workflow),
    status: statusOf(status, whose),
    begunAt: numberOf(whose, "beginning", begunAt),
    endedAt: endedAt === null ? undefined : numberOf(whose, "end", endedAt),
    leaseMs: numberOf(whose, "lease", lease),
    heardAt: numberOf(whose, "clock", clock),
    completed: numberOf(whose, "progress", completed),
    instances: numberOf(whose, "size", instances),
    failures,
    reason:
      reason !== null
        ? textOf(reason)
        : texts.length > 0 && failures.length === 0
          ? `what was recorded of its failure cannot be read: ${texts[0]}`
          : undefined
  }
}
