export interface NodeServerTls {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string;
}
export type NodeAuthorize = (request: any) => boolean | Promise<boolean>;
export async function startNodeServer(_options: any): Promise<{ port: number } & AsyncDisposable> {
  throw new Error('todo');
}
