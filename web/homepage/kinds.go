package homepage

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"strings"
	"time"
)

// personal is somebody's own page, with a few notes.
func personal(s *site) {
	s.name = s.either(s.say("first")+" "+s.say("surname"), s.say("surname"), s.say("first")+" in "+s.say("place"))
	home := page{title: s.name, sections: []section{
		{body: s.paragraph(s.say("intro") + " " + s.several("about", s.between(1, 3)))},
		{body: s.paragraph(s.several("about", s.between(1, 3)))},
	}}
	pages := []page{home}
	for range s.between(0, 4) {
		note := page{title: s.title("noteTitle")}
		for range s.between(1, 4) {
			note.sections = append(note.sections, section{body: s.paragraph(s.several("note", s.between(2, 5)))})
		}
		pages = append(pages, note)
	}
	s.publish(pages...)
}

// club is a group in a village that meets in the evening.
func club(s *site) {
	s.name = s.either(s.title("place")+" "+s.say("activity")+" "+s.say("body"), capital(s.say("activity"))+" "+s.say("body")+" "+s.title("place"), s.title("place")+" "+capital(s.say("activity")))
	sections := []section{
		{body: s.paragraph(s.say("since") + ". " + s.several("clubText", s.between(2, 4)))},
		{heading: s.say("clubTitle"), body: s.paragraph(s.several("news", s.between(2, 4)))},
	}
	calendar := section{heading: s.either("Calendar", "Evenings", "Dates", "Coming up"), body: s.calendar()}
	if s.IntN(2) == 0 {
		s.publish(page{title: s.name, sections: append(sections, calendar)})
		return
	}
	s.publish(page{title: s.name, sections: sections},
		page{title: s.either("Calendar", "Dates", "When") + s.begun.Format(" 2006, ") + s.say("place"), sections: []section{{body: calendar.body}}},
		page{title: s.either("About", "Who we are in", "Members,", "History of") + " " + s.say("place"), sections: []section{{body: s.paragraph(s.several("clubText", s.between(3, 7)))}}})
}

func (s *site) calendar() string {
	var b strings.Builder
	when := s.begun
	for range s.between(4, 11) {
		when = when.AddDate(0, 0, s.between(3, 25))
		fmt.Fprintf(&b, "<tr><td>%s<td>%d:%02d<td>%s", when.Format("2 January"), s.between(17, 20), s.between(0, 3)*15, html.EscapeString(s.title("event")))
	}
	return "<table>" + b.String() + "</table>"
}

// recipes are what somebody cooks.
func recipes(s *site) {
	s.name = s.either("Kitchen notes, "+s.say("place"), s.say("first")+" "+s.say("surname")+"'s kitchen", capital(s.say("food"))+" and "+s.say("food"), "Cooking in "+s.say("place"), s.say("surname")+" eats")
	pages := []page{{title: s.name, sections: []section{{body: s.paragraph(s.several("kitchen", s.between(2, 4)))}}}}
	for range s.between(2, 7) {
		pages = append(pages, page{title: s.title("recipeTitle"), sections: []section{
			{body: s.paragraph(s.several("origin", s.between(1, 3))) + s.list("ul", "amount", s.between(3, 7)) + s.paragraph(s.several("step", s.between(3, 6)))},
		}})
	}
	s.publish(pages...)
}

// travel is the diary of a journey to places that exist on no map.
func travel(s *site) {
	s.name = s.title("journey")
	home := page{title: s.name, sections: []section{{body: s.paragraph(s.several("plan", s.between(2, 3)))}}}
	var days []section
	when := s.begun.AddDate(0, -1, 0)
	format := s.either("2 January", "January 2", "Monday 2 January", "2.1.2006", "2006-01-02")
	for range s.between(4, 14) {
		when = when.AddDate(0, 0, s.between(1, 3))
		days = append(days, section{heading: when.Format(format), body: s.paragraph(s.several("leg", s.between(2, 6)))})
	}
	if s.IntN(2) == 0 {
		home.sections = append(home.sections, days...)
		s.publish(home)
		return
	}
	middle := len(days) / 2
	s.publish(home, page{title: s.fill("{place} and on", 0), sections: days[:middle]}, page{title: s.fill("After {place}", 0), sections: days[middle:]})
}

// soon is a page that waits for somebody to finish it.
func soon(s *site) {
	s.name = s.title("firm")
	s.publish(page{title: s.name, sections: []section{{body: s.paragraph(s.several("wait", s.between(1, 3)))}}})
}

// shelf is a folder of files without a page, which the server lists itself.
func shelf(s *site) {
	folders := []string{""}
	for range s.between(0, 3) {
		folders = append(folders, s.say("folder")+s.either("", fmt.Sprint("-", s.begun.Year()), "_"+slug(s.say("place"), ""))+"/")
	}
	for _, folder := range folders {
		for range s.between(1, 6) {
			name := slug(s.either(s.say("noteTitle"), s.say("food")+" "+s.say("extra"), s.say("place")+" "+s.say("month"), s.say("surname")), s.gap)
			var b strings.Builder
			for range s.between(3, 30) {
				b.WriteString(s.say("noteLine") + "\n")
			}
			s.add(folder+name+s.either(".txt", ".txt", ".md", ".text"), []byte(b.String()))
		}
	}
}

// station is a thermometer or another instrument that keeps tables.
func station(s *site) {
	s.name = s.title("place") + s.either(" weather", " station", " readings", " log", " thermometer", " garden")
	quantities := s.shuffled([]string{"temperature", "humidity", "pressure", "rain", "wind", "battery", "soil", "light"})[:s.between(1, 4)]
	var links strings.Builder
	when := s.begun
	folder := s.either("", "data/", "log/", "tables/", slug(s.say("place"), "")+"/")
	ending := s.either(".csv", ".txt", ".tsv", ".dat")
	month := s.either("2006-01", "200601", "2006_01")
	for range s.between(2, 9) {
		name := folder + when.Format(month) + ending
		s.add(name, s.table(when, quantities))
		fmt.Fprintf(&links, `<li><a href="/%s">%s</a>`, name, when.Format("January 2006"))
		when = when.AddDate(0, 1, 0)
	}
	if s.IntN(3) == 0 {
		return // only the tables, listed by the server
	}
	about := fmt.Sprintf("%s at %d m, read every %d minutes by a %s %s.", strings.Join(quantities, ", "), s.between(2, 1400), s.between(5, 90), s.say("adjective"), s.say("thing"))
	s.publish(page{title: s.name, sections: []section{{body: s.paragraph(capital(about)+" "+s.several("about", 1)) + "<ul>" + links.String() + "</ul>"}}})
}

// table writes readings that wander as those of weather do.
func (s *site) table(from time.Time, quantities []string) []byte {
	var b bytes.Buffer
	gap := s.either(",", ";", "\t", " ")
	levels := make([]float64, len(quantities))
	swing := make([]float64, len(quantities))
	for i := range levels {
		levels[i], swing[i] = float64(s.between(3, 90)), s.Float64()*9
	}
	step := time.Duration(s.between(20, 180)) * time.Minute
	format := s.either(time.DateTime, time.RFC3339, "200601021504", "02.01.2006 15:04")
	for range s.between(40, 400) {
		from = from.Add(step)
		b.WriteString(from.Format(format))
		for i := range levels {
			levels[i] += s.NormFloat64() * 0.4
			value := levels[i] + swing[i]*math.Sin(float64(from.Hour())*math.Pi/12)
			fmt.Fprintf(&b, "%s%.*f", gap, 2, value)
		}
		b.WriteString("\n")
	}
	return b.Bytes()
}
