/** What placement nodes say of an agent type in the registry: all that is known of it where its code is not. */
export interface RegisteredType {
  readonly v: 1;
  readonly type: string;
  readonly pool: string;
  /** The newest version that has been started. */
  readonly version: number;
  /** Names of the events that the machine knows; wildcards as written. */
  readonly events: readonly string[];
  /** JSON Schemas of events by name, where the definition has them. */
  readonly schemas?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Events by paths of the type's own that gateways take for it, as `invoices/:id/paid`. */
  readonly routes?: Readonly<Record<string, string>>;
  readonly updatedMs: number;
}
