/** What workers need of the AWS SDK, and no more: a bundle has it in a file of its own, which is loaded when it is needed. */
import { InvokeCommand, LambdaClient, type LambdaClientConfig } from "@aws-sdk/client-lambda"

/** A client for events only. */
export interface Sdk {
  readonly send: (
    name: string,
    version: string | undefined,
    event: string,
    signal: AbortSignal
  ) => Promise<void>
  readonly close: () => void
}

export const open = (config: LambdaClientConfig): Sdk => {
  const client = new LambdaClient(config)
  return {
    send: async (name, version, event, signal) => {
      const command = new InvokeCommand({
        FunctionName: name,
        Qualifier: version,
        InvocationType: "Event",
        Payload: Buffer.from(event)
      })
      await client.send(command, { abortSignal: signal })
    },
    close: () => client.destroy()
  }
}
