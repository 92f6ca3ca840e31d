package control

import "net/http"

func registerPage(*http.ServeMux) {}
