import * as Schema from "effect/Schema"
import { describe, expect, it } from "vitest"
import { Annotation, annotation } from "../src/index.ts"

const Priority = annotation("priority", Schema.Finite)
const Window = annotation(
  "window",
  Schema.Struct({ from: Schema.DateFromString, hours: Schema.optionalKey(Schema.Int) })
)
const Budget = annotation("budget", Schema.Finite, "plan")

describe("annotation", () => {
  it("has a name, a schema and a scope", () => {
    expect(Priority.annotation).toBe("priority")
    expect(Priority.scope).toBe("node")
    expect(Budget.scope).toBe("plan")
    expect(Priority.schema).toBe(Schema.Finite)
  })

  it("makes values under its name", () => {
    expect(Priority(5)).toEqual({ name: "priority", value: 5 })
  })

  it("makes plain data of values that are none", () => {
    const from = new Date(0)
    expect(Window({ from }).value).toEqual({ from: "1970-01-01T00:00:00.000Z" })
  })

  it("refuses a value that its schema refuses", () => {
    expect(() => Priority(Number.NaN)).toThrow(Annotation.InvalidAnnotation)
    expect(() => Priority("5" as never)).toThrow(/^the annotation "priority" is not valid: /)
    expect(() => Window({ from: new Date(0), hours: 1.5 })).toThrow(/hours/)
  })
})

describe("read", () => {
  const from = new Date(5)
  const values = Object.fromEntries(
    [Priority(5), Window({ from, hours: 3 })].map(({ name, value }) => [name, value])
  )

  it("gives the value that was put", () => {
    expect(Annotation.read(Priority, values, "blur#1")).toBe(5)
    expect(Annotation.read(Window, values, "blur#1")).toEqual({ from, hours: 3 })
  })

  it("gives undefined where none was put", () => {
    expect(Annotation.read(Budget, values, "the plan")).toBeUndefined()
  })

  it("says which annotation on what is not valid, and why", () => {
    const read = () => Annotation.read(Window, { window: { from: "1970-01-01", hours: "many" } }, "blur#17")
    expect(read).toThrow(Annotation.InvalidAnnotation)
    expect(read).toThrow(/^the annotation "window" on blur#17 is not valid: .*hours/s)
  })
})
