package main

import "regexp"

// rule is a kind of phrase, and advice on what to write instead.
type rule struct {
	form   *regexp.Regexp
	advice string
	unless []string // files that may contain it
}

// rules returns the phrases. A space also matches the end of a line.
func rules() (all []rule) {
	const (
		participle = `\w+(ed|en|own|ost|ent|old|ept|ead|ought|ound)`
		word       = `(?:[a-vx-z]\w*|w[a-gi-z]\w*)` // except what, which and who, which begin another clause
	)
	add := func(form, advice string, unless ...string) {
		all = append(all, rule{regexp.MustCompile(`(?i)\b(?:` + form + `)\b`), advice, unless})
	}
	add(`(is|are|be|been|was|were|gets?|not) (gone|carried|got|come) on (with|from)|(go|goes|going|went) on with`,
		"write: resumes or continues, with who does it as the subject")
	add(`(say|says|said|know|knows|tell|tells) whose|says who (it|he|she|they) (is|are)`, "say what the value is")
	add(`as ((a|an|the|each) )?(\[[^\]]+\]|[\w./]+)( \w+)? (has|have|had) (it|them)`, "write: X implements Y, or: in the form of Y")
	add(`anew`, "write: again, refresh or refetch")
	add(`(is|are) a matter of`, "say who has to do what")
	add(`[\w]+'s word`, "write: comes from X and is not verified")
	add(`all (when|if|where|unless) (it is |they are )?(empty|set|given)`, "write: empty means all")
	add(`narrows`, "write: filters or limits")
	add(`opens? (a|the) (\w+ )?session also for`, "write: allows")
	add(`(fails? and )?(is|are) repeated like`, "write: errors and retries are those of X")
	add(`(repeated|retried|tried) (again )?after (a )?network (failures?|errors?)`,
		"doc.go says this for all methods; write: Retried like any read.", "doc.go", "options.go")
	add(`(mend|mends|mended|heal|heals|fix|fixes|cures?) (itself|themselves)`, "write: is temporary")
	add(`what (was|is|has been|had been|must be) done (to|in order to) (have|get|be|make)`, "name what is counted or done")
	add(`what (is|was|are|were|has been|had been|cannot be|may be|must be) (`+word+` ){1,4}(is|was|are|were|gets?) (not |never )?`+
		participle, "begin with the noun, such as: refused deliveries are logged")
	add(`(is|are|was|were) told nothing|nobody (is|was) told`, "say what is not reported, such as: the response never says why")
	add(`only (your|the|a|its) \w+ (says|knows|tells)`, "begin with the subject, such as: your session says")
	add(`(that|those) of the (relink|exchange|refresh|other)`, "repeat the noun")
	add(`what (was|is) there`, "name the thing")
	add(`repeats? (a |the |its )?(requests?|calls?|attempts?)`, "write: retry")
	add(`let no (two|one)|(clocks?|bells?|alarms?) (that )?rings?|trips? over|com(e|es|ing) to (rest|grief)|came to (rest|grief)`,
		"use no metaphor; say what happens")
	return all
}
