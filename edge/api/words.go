package api

import (
	"strconv"
	"strings"

	"github.com/tallydock/tallydock/devices/modbus"
	"github.com/tallydock/tallydock/devices/port"
)

// language of the technician's page.
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

// words are the page's texts: English, Simplified Chinese.
var words = map[string][2]string{
	"gateway": {"Gateway", "网关"}, "site": {"Site", "站点"}, "version": {"Version", "版本"}, "time": {"Time", "时间"},
	"status.ok":       {"All is well", "一切正常"},
	"status.degraded": {"Works, but something is missing", "可以工作，但有异常"},
	"status.failing":  {"Cannot keep what is read", "无法保存读取的数据"},

	"devices": {"Devices", "设备"}, "no_devices": {"No devices are configured", "没有配置设备"},
	"up": {"works", "正常"}, "degraded": {"degraded", "降级"}, "down": {"down", "离线"},
	"since": {"since", "始于"}, "reads": {"reads", "次读取"}, "lost": {"lost", "条丢失"},

	"hub": {"Hub", "中心"}, "connected": {"connected", "已连接"}, "disconnected": {"no connection", "未连接"},
	"head": {"Records kept", "已保存记录"}, "acked": {"Records the hub has", "中心已确认"}, "lag": {"Records the hub lacks", "待上传"},
	"thinned": {"Samples given up for want of space", "因空间不足舍弃的采样"}, "free": {"Free space", "剩余空间"},

	"alarms": {"Alarms", "报警"}, "no_alarms": {"No alarms", "没有报警"},
	"unacked": {"not acknowledged", "未确认"}, "acked_state": {"acknowledged", "已确认"},
	"rtn_unacked": {"returned, not acknowledged", "已恢复，未确认"}, "shelved": {"shelved", "已搁置"},
	"suppressed": {"suppressed", "已抑制"}, "out_of_service": {"out of service", "停用"},
	"priority": {"priority", "优先级"},

	"locations": {"Locations", "位置"}, "location": {"Location", "位置"}, "present": {"Present", "在位"}, "unseen": {"Unseen", "未读到"},
	"undecided": {"Not placed yet", "尚未定位"}, "left": {"Left through a door", "已出库"},
	"strange": {"Reads by antennas that stand nowhere in the configuration", "配置中没有位置的天线读取次数"},
	"speed":   {"demonstration, speed", "演示，倍速"},
	"busy":    {"The gateway is too busy to count", "网关繁忙，暂时无法统计"},

	"hub_unreachable": {"No connection to the hub; what is read is kept here meanwhile", "无法连接中心；数据暂存于本机"},
	"clock_unsynced":  {"The clock cannot be right; check the battery and the time service (NTP)", "时钟不准；请检查电池和时间同步服务（NTP）"},
	"store_failed":    {"The store has failed; restart the gateway and look at the disk", "存储已失效；请重启网关并检查磁盘"},
	"low_space":       {"Too little free space; readers wait until there is more", "磁盘空间不足；读写器正在等待"},
	"stalled":         {"Nothing can be kept; look at the disk and the log", "数据无法保存；请检查磁盘和日志"},
	"store_recovered": {"The store was not as it should be when the gateway started", "启动时发现存储不完整"},
	"device_down":     {"Device is down", "设备离线"}, "device_degraded": {"Device is degraded", "设备降级"},

	"alarm.high":            {"{quantity} is {value}, at or above the limit of {limit}", "{quantity} {value}，达到或超过上限 {limit}"},
	"alarm.low":             {"{quantity} is {value}, at or below the limit of {limit}", "{quantity} {value}，达到或低于下限 {limit}"},
	"alarm.no_data":         {"{quantity}: no value for too long", "长时间没有{quantity}数据"},
	"alarm.sentinel":        {"The probe says that it has no value; check its wiring", "探头报告无有效值；请检查接线"},
	"alarm.out_of_range":    {"The value {value} cannot be right; check the probe", "测量值 {value} 不可信；请检查探头"},
	"alarm.device_down":     {"The device is down", "设备离线"},
	"alarm.low_space":       {"Too little free space; readers wait until there is more", "磁盘空间不足；读写器正在等待"},
	"alarm.store_truncated": {"The store had lost something when the gateway started", "启动时发现存储丢失数据"},
	"alarm.store_damaged":   {"Damaged records were found in the store; check the disk", "存储中发现损坏的记录；请检查磁盘"},
	"alarm.clock_unsynced":  {"The clock cannot be right; check the battery and the time service (NTP)", "时钟不准；请检查电池和时间同步服务（NTP）"},
	"alarm.rule_removed":    {"Its rule is no longer configured", "对应规则已被删除"},

	"temperature": {"Temperature", "温度"}, "humidity": {"Humidity", "湿度"}, "pressure": {"Pressure", "气压"},
	"battery": {"Battery", "电量"}, "voltage": {"Voltage", "电压"}, "signal_quality": {"Signal quality", "信号质量"},
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
