/**
 * How workers of the fast model are invoked, and told of work: what happens when, as a queue of events.
 */
import { branches } from "@weft/worker"
import FlatQueue from "flatqueue"
import { type Assignment, FLEXIBLE } from "../Assignment.ts"
import type { Model } from "../Model.ts"
import { Environments, NOBODY, Place } from "./Places.ts"

/** What happens next to a place. */
export const BEGIN = 0
/** Its instance begins to compute. */
export const COMPUTE = 1
/** Its instance's value is published. */
export const ENDED = 2
/** Coordination has been told. */
export const KNOWN = 3
/** Whom it had to invoke is invoked. */
export const SENT = 4
/** Coordination has answered what is ready for it. */
export const ASKED = 5
/** It has waited long enough. */
export const IDLE = 6
/** Environments are there that were started ahead. */
export const PREWARM = 7
export const KINDS = 8

export abstract class Sending {
  protected readonly model: Model
  protected readonly assignment: Assignment
  protected readonly places: Array<Place> = []
  protected readonly events = new FlatQueue<number>()
  protected readonly environments: Environments
  private readonly named: Array<Place | undefined>

  constructor(model: Model, assignment: Assignment) {
    this.model = model
    this.assignment = assignment
    this.environments = new Environments(model, assignment)
    let named = 0
    for (const worker of assignment.worker) if (worker >= named) named = worker + 1
    this.named = new Array<Place | undefined>(named)
  }

  /** A named worker that waits for work has some. */
  protected abstract wake(place: Place, now: number): void

  protected push(place: Place, kind: number, at: number) {
    this.events.push(place.index * KINDS + kind, at)
  }

  protected workerOf(at: number): number {
    return this.assignment.worker[this.model.unrolled.node[at]!]!
  }

  /** A flexible worker that is about to be invoked. */
  protected invoked(work: ReadonlyArray<number>, from: number): Place {
    const memory = this.assignment.memory[this.model.unrolled.node[work[0]!]!]!
    const place = new Place(this.places.length, FLEXIBLE, { memory, from, work })
    this.places.push(place)
    return place
  }

  /** What a named worker is to run: it is told, or has to be invoked. */
  protected deliver(worker: number, at: number, invoked: Array<Place>, now = 0) {
    let place = this.named[worker]
    if (place === undefined || place.hasEnded) {
      const memory = this.assignment.memory[this.model.unrolled.node[at]!]!
      const isRanked = this.assignment.priority !== undefined
      place = new Place(this.places.length, worker, { memory, from: NOBODY, work: [], isRanked })
      this.places.push(place)
      this.named[worker] = place
      invoked.push(place)
    }
    place.inbox.push(at)
    if (place.isIdle && place.inbox.length === 1) this.wake(place, now)
  }

  /** Invokes workers, many as a tree; when the last one is sent. */
  protected send(invoked: ReadonlyArray<Place>, now: number, own = this.model.environment.fanOut): number {
    const { fanOut, sendsAtOnce } = this.model.environment
    const all = branches(invoked.length, fanOut, own)
    for (const { from, head, to } of all) {
      const place = invoked[head]!
      if (to > from) place.spawn = [...place.spawn, ...invoked.slice(from, to)]
      const sentMs = now + this.model.invokeMs * Math.floor(head / sendsAtOnce)
      const atMs = this.environments.enter(place, sentMs)
      if (atMs !== undefined) this.push(place, BEGIN, atMs)
    }
    return now + this.model.invokeMs * Math.ceil(all.length / sendsAtOnce)
  }
}
