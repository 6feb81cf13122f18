// Code that lies in S3 is fetched from the server that the service was told of.
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { UpdateFunctionCodeCommand } from "@aws-sdk/client-lambda"
import { expect, it, onTestFinished } from "vitest"
import { deployed, zipOf } from "./deployed.ts"

/** A server that has one object, and looks at how it is asked for. */
const serving = async (path: string, body: Uint8Array) => {
  const server = createServer(({ headers, method, url = "" }, response) => {
    const isFound =
      method === "GET" && url.split("?")[0] === path && headers.authorization?.includes("/s3/aws4_request")
    if (isFound === true) response.end(body)
    else
      response.writeHead(404).end("<Error><Code>NoSuchKey</Code><Message>It is not there.</Message></Error>")
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

it("is used as if it had come with the request", async () => {
  const zip = zipOf("export const handler = async () => 'from S3'")
  const s3Endpoint = await serving("/code/functions/a%20b.zip", zip)
  const { client, create, invoke } = await deployed({ s3Endpoint })
  const Code = { S3Bucket: "code", S3Key: "functions/a b.zip" }
  await create("f", "", { Code })
  expect((await invoke("f")).result).toBe("from S3")
  const updated = await client.send(new UpdateFunctionCodeCommand({ FunctionName: "f", ...Code }))
  expect(updated.CodeSize).toBe(zip.byteLength)
})

it("is asked for in vain if it is not there", async () => {
  const { create } = await deployed({ s3Endpoint: await serving("/a/b", new Uint8Array()) })
  await expect(create("f", "", { Code: { S3Bucket: "code", S3Key: "other.zip" } })).rejects.toMatchObject({
    name: "InvalidParameterValueException",
    message: expect.stringMatching(
      /Error occurred while GetObject. S3 Error: NoSuchKey.*Bucket: code, key: other\.zip/
    )
  })
})
