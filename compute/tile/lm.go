package tile

// The names of operators of language models.
const (
	LMLookup   = "language.Lookup"
	LMNorm     = "language.Norm"
	LMQuantise = "language.Quantise"
	LMProduct  = "language.Product"
	LMRotate   = "language.Rotate"
	LMScores   = "language.Scores"
	LMWeights  = "language.Weights"
	LMMix      = "language.Mix"
	LMGate     = "language.Gate"
	LMPenalise = "language.Penalise"
	LMBest     = "language.Best"
	LMWeigh    = "language.Weigh"
	LMOrder    = "language.Order"
	LMTotal    = "language.Total"
	LMKeep     = "language.Keep"
	LMPick     = "language.Pick"
)

func languageEntries() []entry {
	return []entry{
		{LMLookup, LanguageSet, nil, lmLookup},
		{LMNorm, LanguageSet, nil, lmNorm},
		{LMQuantise, LanguageSet, nil, lmQuantise},
		{LMProduct, LanguageSet, nil, lmProduct},
		{LMRotate, LanguageSet, nil, lmRotate},
		{LMScores, LanguageSet, nil, lmScores},
		{LMWeights, LanguageSet, nil, lmWeights},
		{LMMix, LanguageSet, nil, lmMix},
		{LMGate, LanguageSet, nil, lmGate},
		{LMPenalise, LanguageSet, nil, lmPenalise},
		{LMBest, LanguageSet, nil, lmBest},
		{LMWeigh, LanguageSet, nil, lmWeigh},
		{LMOrder, LanguageSet, nil, lmOrder},
		{LMTotal, LanguageSet, nil, lmTotal},
		{LMKeep, LanguageSet, nil, lmKeep},
		{LMPick, LanguageSet, nil, lmPick},
	}
}
