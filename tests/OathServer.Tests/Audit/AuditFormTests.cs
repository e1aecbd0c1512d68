using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using OathServer.Audit;

namespace OathServer.Tests.Audit;

/// <summary>The trail as it leaves the server: lines for a log system, anchors for another machine.</summary>
public class AuditFormTests
{
    private static readonly AuditView Act = new(
        7, new DateTimeOffset(2026, 11, 25, 12, 30, 1, 5, TimeSpan.Zero), "a=b|c\\d", "puk.reveal", "done", "00AB", "S=1", "eve\nCEF:0|forged", "192.0.2.1", "why\r\nnot");

    [Fact]
    public void What_a_caller_wrote_ends_no_line_and_begins_no_field_in_CEF()
    {
        var line = AuditLines.Of(Act, AuditFormat.Cef);

        Assert.DoesNotContain('\n', line);
        Assert.DoesNotContain('\r', line);
        Assert.Matches(@"^CEF:0\|OathServer\|OathServer\|[0-9.]+\|puk\.reveal\|puk\.reveal\|3\|rt=1795609801005 externalId=7 ", line);
        Assert.Contains(@"suser=a\=b|c\\d src=192.0.2.1 outcome=done duser=eve\nCEF:0|forged cs1Label=cuid cs1=00AB cs2Label=serial cs2=S\=1 msg=why\r\nnot", line, StringComparison.Ordinal);
    }

    [Fact]
    public void Syslog_is_RFC_5424_with_the_log_audit_facility_around_the_same_event()
    {
        var line = AuditLines.Of(Act, AuditFormat.Syslog);

        var header = Regex.Match(line, @"^<109>1 2026-11-25T12:30:01\.005Z \S+ oathserver - audit - (CEF:0\|.*)$");
        Assert.True(header.Success, line);
        Assert.Equal(AuditLines.Of(Act, AuditFormat.Cef), header.Groups[1].Value);
    }

    [Fact]
    public void JSON_lines_are_one_object_a_line_and_give_back_what_was_written()
    {
        var line = AuditLines.Of(Act, AuditFormat.Jsonl);

        Assert.DoesNotContain('\n', line);
        Assert.Equal(Act, JsonSerializer.Deserialize<AuditView>(line, JsonSerializerOptions.Web));
    }

    [Fact]
    public async Task An_anchor_reaches_the_log_server_signed_and_is_the_one_in_the_file()
    {
        using var receiver = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        var port = ((IPEndPoint)receiver.Client.LocalEndPoint!).Port;
        await using var server = await ServerUnderTest.StartAsync(new Dictionary<string, string?> { ["Audit:Syslog"] = $"udp://127.0.0.1:{port}" });
        await server.AddTokenAsync("A1", Codes.Secret);
        Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 0)));
        await server.StopAsync();

        var messages = new List<string>();
        while (receiver.Available > 0)
        {
            messages.Add(Encoding.UTF8.GetString((await receiver.ReceiveAsync(Cancel)).Buffer));
        }

        var filed = await File.ReadAllLinesAsync(Path.Combine(server.Folder, "anchors.jsonl"), Cancel);
        Assert.NotEmpty(filed);
        Assert.All(messages, m => Assert.Matches(@"^<109>1 \S+ \S+ oathserver \d+ anchor - \{", m));
        Assert.Contains(messages, m => m.EndsWith(filed[^1], StringComparison.Ordinal));
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
