/** The hub's answers: generated from its OpenAPI document (npm run api), with the closed sets of words narrowed. */
import type { components } from './schema';

type Schemas = components['schemas'];
type Narrow<T, Words> = Omit<T, keyof Words> & Words;

export type Text = Schemas['Text'];
export type Role =
  | 'viewer'
  | 'operator'
  | 'quality'
  | 'planner'
  | 'buyer'
  | 'approver'
  | 'finance'
  | 'admin'
  | 'customer';
export type List<T> = { items: T[]; next: string };
export type Session = Narrow<Schemas['Session'], { role: Role }>;
export type Provider = Schemas['ProviderBody'];
export type Enrolment = Schemas['Enrolment'];
export type About = Schemas['About'];

export type LocationKind = 'site' | 'zone' | 'bay' | 'cold_room' | 'dock' | 'table' | 'door';
/** On the floor plan in decimetres; all 0 = not drawn. */
export type Location = Narrow<Schemas['Place'], { kind: LocationKind }>;
export type Site = Schemas['SiteName'];
export type SnapshotItem = Schemas['ItemName'];
export type StockSnapshot = Narrow<Schemas['StockSnapshot'], { locations: Location[] }>;
export type StockTag = Schemas['TagAt'];
export type StockDetail = Schemas['StockDetail'];

export type Evidence = Schemas['Evidence'];
export type Movement = Schemas['Movement'];

/** '' while a pass goes on. */
export type Direction = 'in' | 'out' | 'turned_back' | 'undecided' | '';
export type Pass = Narrow<Schemas['Pass'], { direction: Direction }>;
export type PassDetail = Pass & { movements: Movement[] };
export type Door = Narrow<
  Schemas['Door'],
  { state: 'idle' | 'passing' | 'down'; open_pass: Pass | null; last_pass: Pass | null }
>;

export type Priority = 1 | 2 | 3 | 9;
export type AlarmState =
  | 'normal'
  | 'unacked'
  | 'acked'
  | 'rtn_unacked'
  | 'shelved'
  | 'suppressed'
  | 'out_of_service'
  | 'latched';
/** value: at the raise; now: the latest. */
export type Alarm = Narrow<
  Schemas['Alarm'],
  { priority: Priority; state: AlarmState; pending: '' | 'acknowledge' | 'shelve' | 'unshelve' }
>;
export type AlarmEvent = Schemas['AlarmEvent'];
export type AlarmDetail = Alarm & { events: AlarmEvent[] };

export type Edge = Schemas['Edge'];
export type Device = Schemas['Device'];
export type Sensor = Narrow<Schemas['Series'], { points: [ms: number, value: number | null][] }>;

export type ProposalState = Schemas['Proposal']['state'];
export type Explain = Schemas['Explain'];
/** Live events leave the explanation out. */
export type Proposal = Narrow<Schemas['Proposal'], { explain?: Explain }>;

/** Live rows and points are arrays, to keep the stream small. */
export type StockUpdate = [item: string, location: string, on_hand: number, unseen: number, seen_ms: number];
export type SampleUpdate = [sensor: string, ms: number, value: number | null];
/** now_ms is missing where the browser's own worker says hello to a later tab. */
export type Hello = { seq: number; resync: boolean; now_ms?: number };
