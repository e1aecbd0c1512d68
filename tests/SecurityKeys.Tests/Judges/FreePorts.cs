using System.Net;
using System.Net.Sockets;

namespace SecurityKeys.Tests.Judges;

/// <summary>Ports for a virtual reader.</summary>
internal static class FreePorts
{
    /// <summary>The first of two free ports side by side: vpcd takes one and, for its second slot, the next.</summary>
    public static int Pair()
    {
        for (var i = 0; i < 50; i++)
        {
            using var first = new TcpListener(IPAddress.Any, 0);
            first.Start();
            var port = ((IPEndPoint)first.LocalEndpoint).Port;
            try
            {
                using var second = new TcpListener(IPAddress.Any, port + 1);
                second.Start();
                return port;
            }
            catch (SocketException)
            {
                // taken: draw again
            }
        }
        throw new InvalidOperationException("No two free ports side by side.");
    }
}
