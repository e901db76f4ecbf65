// Package storetest is what every database of the hub must do: one suite, which store/sqlite and store/postgres both run.
package storetest

import (
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/store"
)

// Open gives an empty database with the newest schema for one test, whose events go to told (nil = nowhere). It is closed
// when the test ends.
type Open func(t testing.TB, now func() time.Time, told func([]event.Event)) *store.DB

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func openAt(t testing.TB, open Open, told func([]event.Event)) *store.DB {
	t.Helper()
	return open(t, func() time.Time { return noon }, told)
}

// Run runs the suite.
func Run(t *testing.T, open Open) {
	for name, test := range map[string]func(*testing.T, Open){
		"an import inserts, updates and refuses whole":       testImportInsertsAndUpdatesAndRefusesWhole,
		"tags are resolved by registry first, then by GTIN":  testTagsAreResolvedByRegistryFirstThenByGTIN,
		"events are trimmed but the newest":                  testEventsAreTrimmedButTheNewest,
		"alarms come in order, page by page":                 testAlarmsComeInOrderPageByPage,
		"passes come newest first, page by page":             testPassesComeNewestFirstPageByPage,
		"a record that the database refuses is parked alone": testARecordThatTheDatabaseRefusesIsParkedAlone,
		"absence and sight of a tag":                         testAbsenceAndSightOfATag,
		"the laws of the ledger":                             testLedgerLaws,
		"a movement is taken back once":                      testReverse,
		"a wrong balance is found and mended":                testCheckFindsAndRebuildMendsAWrongBalance,
		"one stock event for a transaction":                  testOneStockEventForATransaction,
		"a sensor tells what it said last":                   testASensorTellsWhatItSaidLast,
		"a sample that cannot be is parked alone":            testASampleThatCannotBeIsParkedAlone,
		"old samples are forgotten":                          testOldSamplesAreForgotten,
		"spooled samples go into no table":                   testSpooledSamplesGoIntoNoTable,
		"a refused sample can be put back":                   testARefusedSampleCanBePutBack,
		"a full spool is thinned, oldest first":              testAFullSpoolIsThinnedOldestFirst,
		"history of anything":                                testHistoryOfAnything,
		"verify finds what was changed":                      testVerifyFindsWhatWasChanged,
		"the end of a chain is guarded":                      testTheEndOfAChainIsGuarded,
		"migrations go down and up":                          testMigrationsGoDownAndUp,
		"a database of a newer hub is left alone":            testADatabaseOfANewerHubIsLeftAlone,
		"bytes that are no text":                             testBytesThatAreNoText,
		"many writers move the same goods":                   testManyWritersMoveTheSameGoods,
		"a copy is equal":                                    testACopyIsEqual,
		"reservations":                                       testReservations,
		"transfers of tags":                                  testTransfersOfTags,
		"many reserve and move the same items":               testManyReserveAndMoveTheSameItems,
		"what is packed moves with its pallet":               testWhatIsPackedMovesWithItsPallet,
		"tags stand for packs":                               testTagsStandForPacks,
		"confidence by read point":                           testConfidenceByReadPoint,
		"discrepancies":                                      testDiscrepancies,
		"closed periods":                                     testClosedPeriods,
		"a count in one sweep":                               testACountInOneSweep,
		"a key is begun once and then answered":              testAKeyIsBegunOnceAndThenAnswered,
		"many begin one key":                                 testManyBeginOneKey,
		"things are edited one by one":                       testThingsAreEditedOneByOne,
		"a thing that is needed stays":                       testAThingThatIsNeededStays,
		"many add one thing":                                 testManyAddOneThing,
		"pages of things and balances":                       testPagesOfThingsAndBalances,
		"keys of counts and periods":                         testKeysOfCountsAndPeriods,
		"a count by hand that is complete":                   testACountByHandThatIsComplete,
		"users are kept with their grants":                   testUsersAreKeptWithTheirGrants,
		"administrators do not take each other out":          testAdministratorsDoNotTakeEachOtherOut,
		"sessions belong to their user":                      testSessionsBelongToTheirUser,
		"what counts once counts once":                       testWhatCountsOnceCountsOnce,
		"tokens are found by their hash":                     testTokensAreFoundByTheirHash,
		"secrets are sealed again":                           testSecretsAreSealedAgain,
		"roles of before become grants":                      testRolesOfBeforeBecomeGrants,
		"changes are in the log with before and after":       testChangesAreInTheLogWithBeforeAndAfter,
		"what is undone is not in the log":                   testWhatIsUndoneIsNotInTheLog,
		"what people change is in the log":                   testWhatPeopleChangeIsInTheLog,
		"commands done together are each of who asked":       testCommandsThatAreDoneTogetherAreEachOfWhoAsked,
		"the log is filtered and paged":                      testTheLogIsFilteredAndPaged,
		"a copy has the door too":                            testACopyHasTheDoorToo,
		"the log is one chain":                               testTheLogIsOneChain,
		"events of EPCIS are kept":                           testEventsOfEPCISAreKept,
		"stock is as events say":                             testStockIsAsEventsSay,
		"what cannot be booked waits":                        testWhatCannotBeBookedWaits,
		"a document is taken whole":                          testADocumentIsTakenWhole,
		"a tag and its name are one thing":                   testATagAndItsNameAreOneThing,
		"webhooks are kept":                                  testWebhooksAreKept,
		"events go to webhooks":                              testEventsGoToWebhooks,
		"tokens and certificates of edges":                   testTokensAndCertificatesOfEdges,
		"a lease has one holder":                             testALeaseHasOneHolder,
		"who was struck off begins anew":                     testWhoWasStruckOffBeginsAnew,
		"a late writer is fenced":                            testALateWriterIsFenced,
		"many replicas take the same leases":                 testManyReplicasTakeTheSameLeases,
		"many claim the same jobs":                           testManyClaimTheSameJobs,
		"the life of a job":                                  testTheLifeOfAJob,
		"jobs survive those who do them":                     testJobsSurviveThoseWhoDoThem,
		"the doctor finds what was changed":                  testDoctorFindsWhatWasChanged,
		"figures count":                                      testFiguresCount,
		"the laws of the valuation":                          testValuationLaws,
		"postings queue what has a cost":                     testPostingsQueueWhatHasACost,
		"explain leads to what was late":                     testExplainLeadsToWhatWasLate,
		"what is said of a closed period":                    testWhatIsSaidOfAClosedPeriodIsBookedInTheOpenOne,
		"costs are of what came in":                          testCostsAreOfWhatCameIn,
		"the cost of an item is of what comes":               testTheCostOfAnItemIsOfWhatComes,
		"a place stays in its area":                          testAPlaceStaysInItsArea,
		"entries are paged":                                  testEntriesArePaged,
		"verify finds what was changed of the valuation":     testVerifyFindsWhatWasChangedOfTheValuation,
		"a method is changed in the open period":             testAMethodIsChangedInTheOpenPeriod,
		"an item that cannot be valued stops no other":       testAnItemThatCannotBeValuedStopsNoOther,
		"check finds wrong values":                           testCheckFindsWrongValues,
		"history before valuation is valued":                 testHistoryBeforeValuationIsValued,
		"a copy has the valuation":                           testACopyHasTheValuation,
		"many hubs value and post":                           testManyHubsValueAndPost,
		"a site's stock comes in pages":                      testASitesStockComesInPages,
		"events bring pages up to date":                      testEventsBringPagesUpToDate,
		"proposals come newest first, page by page":          testProposalsComeNewestFirstPageByPage,
	} {
		t.Run(name, func(t *testing.T) { test(t, open) })
	}
}
