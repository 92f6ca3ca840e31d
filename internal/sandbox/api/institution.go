package api

import (
	"net/http"
	"strings"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// wireInstitution is the JSON of an institution. Absent values are null.
type wireInstitution struct {
	moneykit.Institution

	Color     *string `json:"color"`
	ColorDark *string `json:"color_dark"`
}

func wireOf(in world.Institution) wireInstitution {
	out := wireInstitution{Institution: moneykit.Institution{
		ID: in.ID, IDAliases: append([]string{}, in.Aliases...), Name: in.Name,
		Country: in.Country, Domain: in.Domain, Featured: in.Featured,
	}}
	if in.Color != "" {
		out.Color = &in.Color
	}
	return out
}

// institutionCursor is a position in the list of institutions.
type institutionCursor struct {
	Institution int `json:"institution"`
}

// getInstitutions handles get_institutions.
func (a *API) getInstitutions(q *call) reply {
	params := q.query()
	limit, featured := params.number("limit", 1, 1000, 50), params.flag("featured")
	var at institutionCursor
	if cursor := params.last("cursor"); cursor != "" &&
		(!readCursor(cursor, &at) || at.Institution <= 0 || at.Institution > world.InstitutionCount) {
		params.wrong("cursor", "is not a cursor of this list", "value_error")
	}
	if rep, ok := params.reply(); !ok {
		return rep
	}
	name := strings.ToLower(params.last("name"))
	page := []wireInstitution{}
	var next *string
	for i := at.Institution; i < world.InstitutionCount; i++ {
		in := world.InstitutionAt(i)
		if (featured && !in.Featured) || !strings.Contains(strings.ToLower(in.Name), name) {
			continue
		}
		if len(page) == limit {
			cursor := writeCursor(institutionCursor{i})
			next = &cursor
			break
		}
		page = append(page, wireOf(in))
	}
	return answer(http.StatusOK, struct {
		Institutions []wireInstitution  `json:"institutions"`
		Cursors      map[string]*string `json:"cursors"`
	}{page, map[string]*string{"next": next}})
}

// getInstitution handles get_institution.
func (a *API) getInstitution(q *call) reply {
	in, ok := world.Lookup(q.PathValue("institution_id"))
	if !ok {
		return refuse(moneykit.ErrorCodeInstitutionNotFound, "there is no such institution")
	}
	return answer(http.StatusOK, wireOf(in))
}
