// What a request asks for, parsed once from its URL; nothing later sees the string.

/** A non-resource path (`/version`) has `isResource` false and only `path` and `verb` (lower-case method). */
export interface RequestInfo {
  readonly isResource: boolean;
  readonly path: string;
  /** get, list, watch, create, update, patch, delete, deletecollection; or the lower-case HTTP method. */
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  /** Plural: `pods`. */
  readonly resource: string;
  /** `log`, `exec`, `proxy`…, or ''. */
  readonly subresource: string;
  /** '' for collections. */
  readonly name: string;
  /** What follows `…/proxy/`. */
  readonly trailingPath: string;
}
