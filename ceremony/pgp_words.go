package ceremony

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// SpokenHash returns the beginning of a hash as words of the PGP word list, to be compared
// on the phone. Words at even places have two syllables and words at odd places three, so
// that a word left out or swapped is heard. It returns "" when hash is not hexadecimal or
// has fewer bytes than words.
func SpokenHash(hash string, words int) string {
	raw, err := hex.DecodeString(hash)
	if err != nil || len(raw) < words {
		return ""
	}
	spoken := make([]string, words)
	for i, b := range raw[:words] {
		spoken[i] = WordList(i)[b]
	}
	return strings.Join(spoken, " ")
}

// WordList returns the words for a place, counted from 0: byte → word. They are those of
// Zimmermann and Juola's list, as PGPfone used it (1995).
func WordList(place int) []string {
	if place%2 == 0 {
		return strings.Fields(evenWords)
	}
	return strings.Fields(oddWords)
}

const evenWords = `
aardvark absurd accrue acme adrift adult afflict ahead aimless Algol allow alone ammo ancient apple artist
assume Athens atlas Aztec baboon backfield backward banjo beaming bedlamp beehive beeswax befriend Belfast berserk billiard
bison blackjack blockade blowtorch bluebird bombast bookshelf brackish breadline breakup brickyard briefcase Burbank button buzzard cement
chairlift chatter checkup chisel choking chopper Christmas clamshell classic classroom cleanup clockwork cobra commence concert cowbell
crackdown cranky crowfoot crucial crumpled crusade cubic dashboard deadbolt deckhand dogsled dragnet drainage dreadful drifter dropper
drumbeat drunken Dupont dwelling eating edict egghead eightball endorse endow enlist erase escape exceed eyeglass eyetooth
facial fallout flagpole flatfoot flytrap fracture framework freedom frighten gazelle Geiger glitter glucose goggles goldfish gremlin
guidance hamlet highchair hockey indoors indulge inverse involve island jawbone keyboard kickoff kiwi klaxon locale lockup
merit minnow miser Mohawk mural music necklace Neptune newborn nightbird Oakland obtuse offload optic orca payday
peachy pheasant physique playhouse Pluto preclude prefer preshrunk printer prowler pupil puppy python quadrant quiver quota
ragtime ratchet rebirth reform regain reindeer rematch repay retouch revenge reward rhythm ribcage ringbolt robust rocker
ruffled sailboat sawdust scallion scenic scorecard Scotland seabird select sentence shadow shamrock showgirl skullcap skydive slingshot
slowdown snapline snapshot snowcap snowslide solo southward soybean spaniel spearhead spellbind spheroid spigot spindle spyglass stagehand
stagnate stairway standard stapler steamship sterling stockman stopwatch stormy sugar surmount suspense sweatband swelter tactics talon
tapeworm tempest tiger tissue tonic topmost tracker transit trauma treadmill Trojan trouble tumor tunnel tycoon uncut
unearth unwind uproot upset upshot vapor village virus Vulcan waffle wallet watchword wayside willow woodlark Zulu
`

const oddWords = `
adroitness adviser aftermath aggregate alkali almighty amulet amusement antenna applicant Apollo armistice article asteroid Atlantic atmosphere
autopsy Babylon backwater barbecue belowground bifocals bodyguard bookseller borderline bottomless Bradbury bravado Brazilian breakaway Burlington businessman
butterfat Camelot candidate cannonball Capricorn caravan caretaker celebrate cellulose certify chambermaid Cherokee Chicago clergyman coherence combustion
commando company component concurrent confidence conformist congregate consensus consulting corporate corrosion councilman crossover crucifix cumbersome customer
Dakota decadence December decimal designing detector detergent determine dictator dinosaur direction disable disbelief disruptive distortion document
embezzle enchanting enrollment enterprise equation equipment escapade Eskimo everyday examine existence exodus fascinate filament finicky forever
fortitude frequency gadgetry Galveston getaway glossary gossamer graduate gravity guitarist hamburger Hamilton handiwork hazardous headwaters hemisphere
hesitate hideaway holiness hurricane hydraulic impartial impetus inception indigo inertia infancy inferno informant insincere insurgent integrate
intention inventive Istanbul Jamaica Jupiter leprosy letterhead liberty maritime matchmaker maverick Medusa megaton microscope microwave midsummer
millionaire miracle misnomer molasses molecule Montana monument mosquito narrative nebula newsletter Norwegian October Ohio onlooker opulent
Orlando outfielder Pacific pandemic Pandora paperweight paragon paragraph paramount passenger pedigree Pegasus penetrate perceptive performance pharmacy
phonetic photograph pioneer pocketful politeness positive potato processor provincial proximate puberty publisher pyramid quantity racketeer rebellion
recipe recover repellent replica reproduce resistor responsive retraction retrieval retrospect revenue revival revolver sandalwood sardonic Saturday
savagery scavenger sensation sociable souvenir specialist speculate stethoscope stupendous supportive surrender suspicious sympathy tambourine telephone therapist
tobacco tolerance tomorrow torpedo tradition travesty trombonist truncated typewriter ultimate undaunted underfoot unicorn unify universe unravel
upcoming vacancy vagabond vertigo Virginia visitor vocalist voyager warranty Waterloo whimsical Wichita Wilmington Wyoming yesteryear Yucatan
`

// IdentityWords is how many words of an identity are read out on the phone: 80 bits. They
// protect a holder from an attacker who makes keys until one of them has the same words.
const IdentityWords = 10

// IdentityInWords returns the words of an identity, to be compared on the phone. They stand
// for a hash over the whole fingerprint, whose text is "conclave identity " and the 40 digits
// in lower case. It returns "" when f is no fingerprint.
func IdentityInWords(f Fingerprint) string {
	if !f.Valid() {
		return ""
	}
	sum := sha256.Sum256([]byte("conclave identity " + string(f)))
	return SpokenHash(hex.EncodeToString(sum[:]), IdentityWords)
}

// FormerIdentityWords returns the words that earlier versions have shown for an identity. They
// are the first half of the fingerprint and leave the other half open. A person who has them
// on paper is told so, and is not believed.
func FormerIdentityWords(f Fingerprint) string {
	return SpokenHash(string(f), IdentityWords)
}

// ParseSpoken returns the bytes for which words of the PGP word list stand, in hexadecimal
// digits, whatever their case. The error names the first word that is not in the list for its
// place.
func ParseSpoken(words []string) (hash string, err error) {
	raw := make([]byte, len(words))
	for i, word := range words {
		at := slices.IndexFunc(WordList(i), func(known string) bool { return strings.EqualFold(known, word) })
		if at < 0 {
			return "", fmt.Errorf("word %d, %q, is none of the words for its place", i+1, word)
		}
		raw[i] = byte(at)
	}
	return hex.EncodeToString(raw), nil
}

// ReadAloud is how many words of the plan's hash are read out on the phone: 32 bits, as
// Slack shows.
const ReadAloud = 4
