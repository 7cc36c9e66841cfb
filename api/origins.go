package api

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// Origins are web pages of other servers whose scripts may ask (access.control.allow.origin and .methods), answered as Jetty's CrossOriginHandler does.
type Origins struct {
	any      bool
	exact    []string
	patterns []*regexp.Regexp
	methods  string
}

// preflightAge is how long a browser may remember what it was told, in seconds.
const preflightAge = "60"

// NewOrigins reads origins: * for all, else addresses such as https://app.example or patterns of them. Methods are GET, POST and HEAD where none is given.
// There are none, nil, where no origin is given.
func NewOrigins(origins, methods []string) (*Origins, error) {
	origins = slices.DeleteFunc(slices.Clone(origins), func(s string) bool { return s == "" })
	if len(origins) == 0 {
		return nil, nil
	}
	o := &Origins{methods: "GET,POST,HEAD"}
	if methods = slices.DeleteFunc(slices.Clone(methods), func(s string) bool { return s == "" }); len(methods) > 0 {
		o.methods = strings.Join(methods, ",")
	}
	for _, text := range origins {
		switch {
		case text == "*":
			o.any = true
		case text == strings.ReplaceAll(regexp.QuoteMeta(text), `\.`, "."): // its dots are dots: no other site is let in by them
			o.exact = append(o.exact, strings.ToLower(text))
		default:
			pattern, err := regexp.Compile(`^(?i:` + text + `)$`)
			if err != nil {
				return nil, fmt.Errorf("access.control.allow.origin: %s is neither *, nor an address such as https://app.example, nor a pattern of one: %w", text, err)
			}
			o.patterns = append(o.patterns, pattern)
		}
	}
	return o, nil
}

func (o *Origins) admits(origin string) bool {
	return o.any || slices.Contains(o.exact, strings.ToLower(origin)) ||
		slices.ContainsFunc(o.patterns, func(p *regexp.Regexp) bool { return p.MatchString(origin) })
}

// admitting says to browsers what they may do. The request is answered in any case: it is the browser that withholds the answer from a page.
func (o *Origins) admitting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Add("Vary", "Origin")
		if origin := r.Header.Get("Origin"); origin != "" && o.admits(origin) {
			h.Set("Access-Control-Allow-Origin", origin)
			if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
				h.Set("Access-Control-Allow-Methods", o.methods)
				h.Set("Access-Control-Allow-Headers", "Content-Type")
				h.Set("Access-Control-Max-Age", preflightAge)
			}
		}
		next.ServeHTTP(w, r)
	})
}
