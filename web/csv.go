package web

import (
	"encoding/csv"
	"net/http"
	"strings"
)

// csvHeader is the first line of HAProxy 2.6's statistics as CSV.
const csvHeader = "# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,wredis,status," +
	"weight,act,bck,chkfail,chkdown,lastchg,downtime,qlimit,pid,iid,sid,throttle,lbtot,tracked,type,rate,rate_lim,rate_max," +
	"check_status,check_code,check_duration,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,hanafail,req_rate," +
	"req_rate_max,req_tot,cli_abrt,srv_abrt,comp_in,comp_out,comp_byp,comp_rsp,lastsess,last_chk,last_agt,qtime,ctime," +
	"rtime,ttime,agent_status,agent_code,agent_duration,check_desc,agent_desc,check_rise,check_fall,check_health," +
	"agent_rise,agent_fall,agent_health,addr,cookie,mode,algo,"

// The columns that this program fills.
const (
	columnName        = 0
	columnServer      = 1
	columnStatus      = 17
	columnType        = 32
	columnCheckStatus = 36
	columnCheckDesc   = 65 // the one that the official health check reads
	columnMode        = 75
)

// officialServers are the rows that the official health check looks for: the
// servers of the official configuration whose names contain "whatsapp_net".
var officialServers = []struct{ backend, server, route string }{
	{"wa_whatsapp_net", "whatsapp_net_443", "media"},
	{"wa", "g_whatsapp_net_5222", "chat"},
	{"wa_http", "g_whatsapp_net_80", "chat"},
}

// csv answers as HAProxy's statistics page does, as far as the official
// container's health check reads it.
func (a *Admin) csv(w http.ResponseWriter, _ *http.Request) {
	healthy := map[string]bool{}
	for _, u := range a.Upstreams() {
		if u.Messenger == "whatsapp" {
			healthy[u.Route] = u.Healthy
		}
	}
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("Cache-Control", "no-cache")
	w.Write([]byte(csvHeader + "\n"))
	rows := csv.NewWriter(w)
	for _, s := range officialServers {
		up, served := healthy[s.route]
		if served {
			rows.Write(csvRow(s.backend, s.server, up))
		}
	}
	rows.Flush()
}

func csvRow(backend, server string, up bool) []string {
	row := make([]string, strings.Count(csvHeader, ",")+1)
	row[columnName], row[columnServer] = backend, server
	row[columnType], row[columnMode] = "2", "tcp"
	row[columnStatus], row[columnCheckStatus], row[columnCheckDesc] = "DOWN", "L4CON", "Layer4 connection problem"
	if up {
		row[columnStatus], row[columnCheckStatus], row[columnCheckDesc] = "UP", "L4OK", "Layer4 check passed"
	}
	return row
}
