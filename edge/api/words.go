package api

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices/modbus"
	"github.com/tallydock/tallydock/devices/port"
)

// language of the technician's pages.
type language uint8

const (
	english language = iota
	chinese
)

// Tag is the language's name in HTML.
func (l language) Tag() string { return [...]string{"en", "zh-CN"}[l] }

// Say gives a text of the page; a key that is not known is given back as it is.
func (l language) Say(key string) string {
	if w, ok := words[key]; ok {
		return w[l]
	}
	return key
}

// Fill gives a text with its holes filled: name, value, name, value, …
func (l language) Fill(key string, holes ...any) string {
	pairs := make([]string, 0, len(holes))
	for i := 0; i+1 < len(holes); i += 2 {
		pairs = append(pairs, fmt.Sprintf("{%v}", holes[i]), fmt.Sprint(holes[i+1]))
	}
	return strings.NewReplacer(pairs...).Replace(l.Say(key))
}

// Span writes a length of time roughly, as people say it.
func (l language) Span(d time.Duration) string {
	s := int(max(0, d).Round(time.Second) / time.Second)
	switch {
	case s < 60:
		return l.Fill("span.s", "s", s)
	case s < 3600:
		return l.Fill("span.m", "m", s/60)
	case s < 86400:
		return l.Fill("span.h", "h", s/3600, "m", s/60%60)
	default:
		return l.Fill("span.d", "d", s/86400, "h", s/3600%24)
	}
}

// advice says in Chinese what a driver's English sentence is about, by words in it; the sentence itself is shown below.
var advice = []struct{ words, chinese string }{
	{port.ErrBusy.Error(), "端口被其他程序或其他设备占用；请停止该程序，或为每个设备使用单独的端口"},
	{"permission denied", "没有打开端口的权限；请把运行网关的用户加入该设备的用户组（通常是 dialout）"},
	{"does not exist", "找不到串口设备；请检查数据线和配置中的设备名"},
	{port.ErrMissing.Error(), "该地址没有设备应答；请检查电源、网络和地址"},
	{port.ErrUnplugged.Error(), "设备已断开；请检查数据线和电源"},
	{port.ErrWriteTimeout.Error(), "数据发不出去；请检查流控设置和设备电源"},
	{modbus.ErrNoAnswer.Error(), "设备没有应答；请检查接线、波特率、站号和电源"},
	{"does not answer", "设备没有应答；请检查接线、波特率和电源"},
	{"not answered yet", "设备还没有应答；请检查是否通电和连接"},
	{"refuses user", "MQTT 服务器拒绝登录；请检查用户名和密码文件"},
	{"refuses the subscription", "MQTT 服务器拒绝订阅；请为网关用户授权"},
	{"site's broker", "无法连接现场 MQTT 服务器；请检查网络和地址"},
	{"says goodbye", "设备已离线，或与服务器的连接中断；请检查电源和网络"},
	{"nothing was heard", "长时间没有收到数据；请检查电源和网络"},
	{"not connected to the reader: antenna", "有天线未连接到读写器；请检查馈线"},
	{"was not understood", "收到无法识别的消息；请检查设备型号和主题配置"},
	{"correction", "设备内部的校正值与配置不一致；请在设备中修改，或写入配置"},
}

// Advise gives what a device's reason means in the page's language; "" where there is nothing to add to the sentence.
func (l language) Advise(reason string) string {
	if l == english || reason == "" {
		return ""
	}
	for _, a := range advice {
		if strings.Contains(reason, a.words) {
			return a.chinese
		}
	}
	return "请查看下面的英文说明"
}

// languageOf chooses by an Accept-Language header; English where it asks for neither.
func languageOf(header string) language {
	best, quality := english, 0.0
	for part := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		q := 1.0
		if text, ok := strings.CutPrefix(strings.TrimSpace(weight), "q="); ok {
			v, err := strconv.ParseFloat(text, 64)
			if err != nil {
				continue
			}
			q = v
		}
		primary, _, _ := strings.Cut(strings.ToLower(name), "-")
		l, known := map[string]language{"en": english, "zh": chinese, "*": english}[primary]
		if known && q > quality {
			best, quality = l, q
		}
	}
	return best
}
