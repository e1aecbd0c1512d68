using System.Diagnostics;
using SecurityKeys.Cards;
using SecurityKeys.Fido;
using SecurityKeys.Management;
using SecurityKeys.OathApplet;
using SecurityKeys.OtpSlots;
using SecurityKeys.Piv;
using SecurityKeys.Tests.Cards;
using SecurityKeys.Virtual;

namespace SecurityKeys.Tests.Virtual;

public sealed class HostileReaderTests
{
    [Fact]
    public void Whatever_a_program_sends_the_virtual_key_answers_with_a_status_word()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        var key = new VirtualKey();
        key.Fuzzable();
        byte[][] applications =
        [
            PivApplication.Aid.ToArray(), OathApplication.Aid.ToArray(), OtpSlotsApplication.Aid.ToArray(),
            ManagementApplication.Aid.ToArray(), FidoApplication.Aid.ToArray(),
        ];
        byte[] instructions =
        [
            0x01, 0x02, 0x03, 0x04, 0x05, 0x10, 0x1C, 0x1D, 0x20, 0x24, 0x2C, 0x87, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5,
            0xC0, 0xCB, 0xDB, 0xF7, 0xF8, 0xF9, 0xFA, 0xFB, 0xFD, 0xFF,
        ];
        byte[] parameters = [0x00, 0x01, 0x03, 0x07, 0x11, 0x30, 0x38, 0x3F, 0x80, 0x81, 0x9A, 0x9B, 0xF9, 0xFF];
        byte[] starts = [0x00, 0x53, 0x5C, 0x71, 0x73, 0x74, 0x75, 0x7C, 0x06, 0x0D, 0xA1];

        var limit = Stopwatch.StartNew();
        while (limit.Elapsed < TimeSpan.FromSeconds(2))
        {
            key.Process(new CommandApdu(0, 0xA4, 4, 0, applications[random.Next(applications.Length)]).Encode());
            for (var i = 0; i < 20; i++)
            {
                var data = new byte[random.Next(0, 80)];
                random.NextBytes(data);
                if (data.Length > 2 && random.Next(3) > 0)
                {
                    data[0] = starts[random.Next(starts.Length)];
                    data[1] = (byte)(random.Next(2) == 0 ? data.Length - 2 : random.Next(data.Length));
                }
                var command = new CommandApdu((byte)(random.Next(4) == 0 ? 0x80 : 0x00), instructions[random.Next(instructions.Length)],
                    parameters[random.Next(parameters.Length)], parameters[random.Next(parameters.Length)], data).Encode();
                if (random.Next(10) == 0) command = command[..random.Next(command.Length)];
                try
                {
                    Assert.True(key.Process(command).Length >= 2);
                }
                catch (Exception e) when (e is not Xunit.Sdk.XunitException)
                {
                    Assert.Fail($"seed {seed}, {Convert.ToHexString(command)}: {e}");
                }
            }
        }
    }
}
