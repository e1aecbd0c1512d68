using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace OathServer.Validation.Elsewhere;

/// <summary>A RADIUS server, asked by PAP. A packet that got lost is sent again as it was, so that the server knows it and
/// does not take the code for used. A challenge is a refusal: there is nobody to pass it on to.</summary>
internal sealed class OldRadiusServer(ParallelRunPolicy policy) : OldServer
{
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(1);

    private readonly Uri at = new(policy.Server!);
    private readonly byte[] secret = Encoding.UTF8.GetBytes(policy.Secret!);

    public override async Task<OldAnswer> AskAsync(string realm, string name, bool bySerial, string code, CancellationToken cancel)
    {
        if (bySerial)
        {
            // RADIUS knows no serial numbers.
            return new OldAnswer(OldVerdict.Unknown);
        }

        var user = realm == ValidateEndpoint.DefaultRealm ? name : $"{name}@{realm}";
        if (Encoding.UTF8.GetByteCount(user) > RadiusPacket.NameMax || Encoding.UTF8.GetByteCount(code) > RadiusPacket.PasswordMax)
        {
            return new OldAnswer(OldVerdict.Refused);
        }

        var request = RadiusPacket.Request((byte)RandomNumberGenerator.GetInt32(256), user, code, secret);
        try
        {
            using var client = new UdpClient();
            client.Connect(at.DnsSafeHost, at.Port > 0 ? at.Port : ParallelRunPolicy.RadiusPort);
            return await AskAsync(client, request, cancel);
        }
        catch (Exception fault) when (fault is SocketException or OperationCanceledException)
        {
            throw new OldServerUnavailableException(
                fault is OperationCanceledException ? "it did not answer in time, or not signed as it must be" : "it could not be reached", fault);
        }
    }

    private async Task<OldAnswer> AskAsync(UdpClient client, byte[] request, CancellationToken cancel)
    {
        while (true)
        {
            await client.SendAsync(request, cancel);
            using var pause = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            pause.CancelAfter(Again);
            try
            {
                while (true)
                {
                    var answer = await client.ReceiveAsync(pause.Token);
                    switch (RadiusPacket.Read(answer.Buffer, request, secret, policy.RequireMessageAuthenticator))
                    {
                        case RadiusPacket.AccessAccept:
                            return new OldAnswer(OldVerdict.Accepted);
                        case RadiusPacket.AccessReject or RadiusPacket.AccessChallenge:
                            return new OldAnswer(OldVerdict.Refused);
                        default:
                            // Not an answer of the server: whoever sent it must not end the wait for that.
                            break;
                    }
                }
            }
            catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
            {
                // Lost, perhaps: once more.
            }
        }
    }
}
