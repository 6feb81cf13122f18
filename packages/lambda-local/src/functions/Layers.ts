/**
 * Layers: code that functions share.
 */
import * as Effect from "effect/Effect"
import { type ApiError, invalid } from "../ApiError.ts"
import type { Code, CodeStore } from "./CodeStore.ts"

/** A version of a layer. It never changes. */
export interface LayerVersion {
  readonly name: string
  readonly version: number
  readonly arn: string
  readonly description: string
  readonly created: Date
  readonly code: Code
  readonly runtimes: ReadonlyArray<string>
}

/** All layers, by the ARNs of their versions. */
export class Layers {
  private readonly versions = new Map<string, LayerVersion>()
  private readonly newest = new Map<string, number>()

  add(layer: Omit<LayerVersion, "version" | "arn" | "created">, layerArn: string): LayerVersion {
    const version = (this.newest.get(layerArn) ?? 0) + 1
    this.newest.set(layerArn, version)
    const added = { ...layer, version, arn: `${layerArn}:${version}`, created: new Date() }
    this.versions.set(added.arn, added)
    return added
  }

  get(arn: string): LayerVersion | undefined {
    return this.versions.get(arn)
  }

  /** Functions that have it keep it. */
  remove(arn: string): void {
    this.versions.delete(arn)
  }

  /** The versions of a layer, or the newest of all layers; the newest first. */
  list(layerArn?: string): ReadonlyArray<LayerVersion> {
    return [...this.versions.values()]
      .filter(({ arn }) => layerArn === undefined || arn.startsWith(`${layerArn}:`))
      .reverse()
  }
}

/** The contents of layers over each other; `undefined` without layers. */
export const layersOf = (
  { code, layers }: { readonly code: CodeStore; readonly layers: Layers },
  arns: ReadonlyArray<string>
): Effect.Effect<string | undefined, ApiError> =>
  Effect.gen(function* () {
    const found: Array<Code> = []
    for (const arn of arns) {
      const layer = layers.get(arn)
      if (layer === undefined) return yield* invalid(`Layer version ${arn} does not exist.`)
      found.push(layer.code)
    }
    return yield* code.merge(found)
  })
