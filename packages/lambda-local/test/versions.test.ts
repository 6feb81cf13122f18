// Versions never change, and aliases are names for them.
import {
  CreateAliasCommand,
  DeleteAliasCommand,
  DeleteFunctionCommand,
  GetAliasCommand,
  GetFunctionCommand,
  ListAliasesCommand,
  ListVersionsByFunctionCommand,
  PublishVersionCommand,
  UpdateAliasCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilPublishedVersionActive
} from "@aws-sdk/client-lambda"
import { describe, expect, it } from "vitest"
import { type Deployed, deployed, ECHO, zipOf } from "./deployed.ts"

const FunctionName = "number"
const answering = (n: number) => `export const handler = async () => ${n}`

/** A function whose versions 1 and 2 answer 1 and 2. */
const twoVersions = async (service: Deployed) => {
  const { client, create } = service
  await create(FunctionName, answering(1), { Publish: true })
  await client.send(
    new UpdateFunctionCodeCommand({ FunctionName, ZipFile: zipOf(answering(2)), Publish: true })
  )
}

describe("versions", () => {
  it("are numbered, and stay what they were", async () => {
    const service = await deployed()
    const { client, invoke } = service
    await twoVersions(service)
    await client.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile: zipOf(answering(3)) }))
    for (const [qualifier, n] of [
      ["1", 1],
      ["2", 2],
      ["$LATEST", 3]
    ] as const) {
      const { result, version } = await invoke(FunctionName, {}, { Qualifier: qualifier })
      expect([result, version]).toEqual([n, qualifier])
    }
    const { Versions } = await client.send(new ListVersionsByFunctionCommand({ FunctionName }))
    expect(Versions!.map(({ Version }) => Version)).toEqual(["$LATEST", "1", "2"])
    const waited = await waitUntilPublishedVersionActive(
      { client, maxWaitTime: 10 },
      { FunctionName, Qualifier: "2" }
    )
    expect(waited.state).toBe("SUCCESS")
  })

  it("are made only if something has changed", async () => {
    const { client, create } = await deployed()
    await create(FunctionName, ECHO)
    const publish = async (Description?: string) =>
      (await client.send(new PublishVersionCommand({ FunctionName, Description }))).Version
    expect(await publish()).toBe("1")
    expect(await publish()).toBe("1")
    await client.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile: zipOf(ECHO) }))
    expect(await publish()).toBe("1")
    await client.send(new UpdateFunctionConfigurationCommand({ FunctionName, Timeout: 7 }))
    expect(await publish()).toBe("2")
    expect(await publish("another description")).toBe("3")
  })

  it("are made of the code that was meant, or not", async () => {
    const { client, create } = await deployed()
    const { CodeSha256 } = await create(FunctionName, ECHO)
    const publish = (sha: string) => client.send(new PublishVersionCommand({ FunctionName, CodeSha256: sha }))
    await expect(publish("other")).rejects.toMatchObject({ name: "InvalidParameterValueException" })
    await expect(publish(CodeSha256!)).resolves.toMatchObject({ Version: "1" })
  })

  it("can be removed unless an alias names them; numbers are not used again", async () => {
    const service = await deployed()
    const { client } = service
    await twoVersions(service)
    await client.send(new CreateAliasCommand({ FunctionName, Name: "live", FunctionVersion: "2" }))
    const remove = (Qualifier: string) => client.send(new DeleteFunctionCommand({ FunctionName, Qualifier }))
    await expect(remove("2")).rejects.toMatchObject({
      name: "ResourceConflictException",
      message: "Unable to delete version because the following aliases reference it: [live]"
    })
    await expect(remove("$LATEST")).rejects.toMatchObject({ name: "InvalidParameterValueException" })
    await remove("1")
    await client.send(new DeleteAliasCommand({ FunctionName, Name: "live" }))
    await remove("2")
    await expect(client.send(new GetFunctionCommand({ FunctionName, Qualifier: "1" }))).rejects.toMatchObject(
      {
        name: "ResourceNotFoundException",
        message: "Function not found: arn:aws:lambda:us-east-1:000000000000:function:number:1"
      }
    )
    const { Version } = await client.send(new PublishVersionCommand({ FunctionName }))
    expect(Version).toBe("3")
  })
})

describe("an alias", () => {
  it("is invoked as the version that it names", async () => {
    const service = await deployed()
    const { client, invoke } = service
    await twoVersions(service)
    await client.send(new CreateAliasCommand({ FunctionName, Name: "live", FunctionVersion: "1" }))
    expect(await invoke(`${FunctionName}:live`)).toMatchObject({ result: 1, version: "1" })
    await client.send(new UpdateAliasCommand({ FunctionName, Name: "live", FunctionVersion: "2" }))
    expect(await invoke(FunctionName, {}, { Qualifier: "live" })).toMatchObject({ result: 2, version: "2" })
  })

  it("is read, listed and removed", async () => {
    const service = await deployed()
    const { client } = service
    await twoVersions(service)
    const create = (Name: string, FunctionVersion: string) =>
      client.send(new CreateAliasCommand({ FunctionName, Name, FunctionVersion, Description: "for users" }))
    await expect(create("live", "1")).resolves.toMatchObject({
      AliasArn: "arn:aws:lambda:us-east-1:000000000000:function:number:live",
      Name: "live",
      FunctionVersion: "1",
      Description: "for users"
    })
    await create("next", "2")
    const list = async (version?: string) => {
      const { Aliases } = await client.send(
        new ListAliasesCommand({ FunctionName, FunctionVersion: version })
      )
      return Aliases!.map(({ Name }) => Name)
    }
    expect(await list()).toEqual(["live", "next"])
    expect(await list("2")).toEqual(["next"])
    await client.send(new DeleteAliasCommand({ FunctionName, Name: "next" }))
    await expect(client.send(new GetAliasCommand({ FunctionName, Name: "next" }))).rejects.toMatchObject({
      name: "ResourceNotFoundException"
    })
    await expect(create("live", "2")).rejects.toMatchObject({ name: "ResourceConflictException" })
    await expect(create("other", "7")).rejects.toMatchObject({ name: "ResourceNotFoundException" })
    await expect(create("12", "1")).rejects.toMatchObject({ name: "InvalidParameterValueException" })
  })

  it("can share the requests between two versions", async () => {
    const service = await deployed({ seed: 1 })
    const { client, invoke } = service
    await twoVersions(service)
    await client.send(
      new CreateAliasCommand({
        FunctionName,
        Name: "live",
        FunctionVersion: "1",
        RoutingConfig: { AdditionalVersionWeights: { "2": 0.3 } }
      })
    )
    const versions: Array<string | undefined> = []
    for (let i = 0; i < 40; i++) versions.push((await invoke(`${FunctionName}:live`)).version)
    // By the seed, so always the same.
    expect(versions.filter((version) => version === "2")).toHaveLength(10)
  })
})
