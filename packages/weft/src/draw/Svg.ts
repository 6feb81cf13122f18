/**
 * Drawings as SVG, laid out by Graphviz.
 */
import * as Data from "effect/Data"
import { FONT } from "./Dot.ts"
import * as Palette from "./Palette.ts"

/** Graphviz could not lay out a picture: as a rule because it is too large. */
export class LayoutFailed extends Data.TaggedError("LayoutFailed")<{ readonly cause: unknown }> {
  override get message() {
    return `Graphviz could not lay out the picture: ${this.cause instanceof Error ? this.cause.message : this.cause}`
  }
}

/**
 * Lays out DOT text. The same text gives the same SVG, readable on light and dark pages.
 *
 * @throws {LayoutFailed}
 */
export const make = async (dot: string): Promise<string> => {
  const { instance } = await import("@viz-js/viz")
  try {
    // An instance of its own: one that has failed is of no further use, and a new one takes milliseconds.
    return tidy((await instance()).renderString(dot, { format: "svg" }))
  } catch (cause) {
    throw new LayoutFailed({ cause })
  }
}

/** Without comments, prolog and repeated fonts, which are half of it, and on paper of its own. */
const tidy = (svg: string): string =>
  svg
    .slice(svg.indexOf("<svg"))
    .replaceAll(/<!--.*?-->\n/gs, "")
    .replaceAll(` font-family="${FONT}"`, "")
    .replaceAll(' xml:space="preserve"', "")
    .replace(
      /<svg([^>]*)>/,
      `<svg$1 font-family="Helvetica,Arial,sans-serif">\n<rect width="100%" height="100%" rx="10" fill="${Palette.paper}"/>`
    )
