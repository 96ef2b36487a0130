import { consumptionContract } from '@wakebus/testing/contracts';
import { natsFixtures } from './nats-fixture.ts';

consumptionContract('NATS', natsFixtures());
