/** A history in memory, as plain data: what `History.layerMemory` is made of, and the reference for other adapters. */
import type { HistoryQuery, Pruning, Retention, Summary } from "../HistoryQuery.ts"
import type { RunRecord } from "../RunRecord.ts"

interface Kept {
  readonly record: RunRecord
  details: Uint8Array | undefined
}

interface Uploaded {
  readonly batches: Array<Uint8Array>
  /** When the last one came. */
  lastAt: number
}

export class MemoryHistory {
  /** By run, in the order in which they were recorded. */
  private readonly records = new Map<string, Kept>()
  private readonly kept = new Map<string, Summary>()
  private readonly uploaded = new Map<string, Uploaded>()
  private revisions = 0
  private readonly retention: Retention
  private readonly now: () => number

  constructor(retention: Retention, now: () => number) {
    this.retention = retention
    this.now = now
  }

  record(record: RunRecord, details: Uint8Array | undefined): void {
    this.remove(record.run)
    this.records.set(record.run, { record, details })
    const ofWorkflow = this.newestFirst(record.workflow)
    for (const { run } of ofWorkflow.slice(this.retention.runs)) this.records.delete(run)
    for (const { run } of ofWorkflow.slice(this.retention.details)) {
      const known = this.records.get(run)
      if (known !== undefined) known.details = undefined
    }
    this.expire()
  }

  runs({ signature, workflow }: HistoryQuery, limit: number): ReadonlyArray<RunRecord> {
    return this.newestFirst(workflow)
      .filter((record) => signature === undefined || record.signature === signature)
      .slice(0, limit)
  }

  details(run: string): Uint8Array | undefined {
    return this.records.get(run)?.details
  }

  remove(run: string): void {
    this.uploaded.delete(run)
    this.records.delete(run)
  }

  prune({ before, keep }: Pruning): number {
    const seen = new Map<string, number>()
    const due = this.newestFirst().filter(({ begunAt, workflow }) => {
      const newer = seen.get(workflow) ?? 0
      seen.set(workflow, newer + 1)
      return (before !== undefined && begunAt < before) || (keep !== undefined && newer >= keep)
    })
    for (const { run } of due) this.remove(run)
    return due.length
  }

  summaries(keys: ReadonlyArray<string>): ReadonlyArray<Summary | undefined> {
    return keys.map((key) => this.kept.get(key))
  }

  replace(key: string, bytes: Uint8Array, revision: number | undefined): boolean {
    if (this.kept.get(key)?.revision !== revision) return false
    this.kept.set(key, { revision: ++this.revisions, bytes })
    return true
  }

  keys(): ReadonlyArray<string> {
    return [...this.kept.keys()]
  }

  removeSummaries(keys: ReadonlyArray<string>): void {
    for (const key of keys) this.kept.delete(key)
  }

  upload(run: string, batch: Uint8Array): void {
    this.expire()
    const known = this.uploaded.get(run)
    if (known === undefined) this.uploaded.set(run, { batches: [batch], lastAt: this.now() })
    else {
      known.batches.push(batch)
      known.lastAt = this.now()
    }
  }

  batches(run: string): ReadonlyArray<Uint8Array> {
    this.expire()
    return [...(this.uploaded.get(run)?.batches ?? [])]
  }

  private expire() {
    const due = this.now() - this.retention.batchesMs
    for (const [run, { lastAt }] of this.uploaded) if (lastAt < due) this.uploaded.delete(run)
  }

  /** The sort is stable: of records of the same moment the last one stays first. */
  private newestFirst(workflow?: string): ReadonlyArray<RunRecord> {
    return [...this.records.values()]
      .map(({ record }) => record)
      .filter((record) => workflow === undefined || record.workflow === workflow)
      .reverse()
      .sort((a, b) => b.begunAt - a.begunAt)
  }
}
